/**
 * The short way of a narinfo: a request as Nix and curl send it is read from the socket and answered with one write.
 * Node's HTTP server takes twice as long for it as nginx does; for anything that is not exactly such a request it gets the
 * connection, with all that was read and not answered, and keeps it.
 */

import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { KEEP_ALIVE_MS } from './http.ts';
import { type PlainRequest, readPlainRequest } from './plain-request.ts';
import { createRenderer, type Renderer } from './rendered-answer.ts';
import type { CacheSource, Content } from './source.ts';

export interface ShortWay {
  /** Connections that it holds. */
  readonly connections: number;
  /** Ends those that wait for a request; the others end with their answer. */
  close(): void;
}

/** A reader that sends requests and takes no answers waits until it has taken some. */
const UNSENT_BYTES = 256 * 1024;
const NOTHING = Buffer.alloc(0);

/**
 * Puts itself in front of the server's own handling of connections, before it listens.
 * @param source what anybody may see at the server's root.
 */
export function openShortWay(server: Server, source: CacheSource): ShortWay {
  const longWay = server.listeners('connection') as ((this: Server, socket: Socket) => void)[];
  server.removeAllListeners('connection');
  const held = new Set<PlainConnection>();
  const render = createRenderer();
  let isClosing = false;

  server.on('connection', (socket) => {
    const connection: PlainConnection = new PlainConnection({
      socket,
      source,
      render,
      onEnd: () => held.delete(connection),
      onOther: (rest) => {
        held.delete(connection);
        // Put back before anybody reads; the server's own listener takes it from there.
        if (rest.length > 0) socket.unshift(rest);
        for (const listener of longWay) listener.call(server, socket);
        socket.resume();
      },
    });
    held.add(connection);
    // It was accepted in the same moment.
    if (isClosing) connection.close();
  });

  return {
    get connections() {
      return held.size;
    },
    close: () => {
      isClosing = true;
      for (const connection of held) connection.close();
    },
  };
}

interface PlainConnectionOptions {
  readonly socket: Socket;
  readonly source: CacheSource;
  readonly render: Renderer;
  /** The connection is over. */
  readonly onEnd: () => void;
  /** Something else than a plain request came: all from there on is still to be read. */
  readonly onOther: (rest: Buffer) => void;
}

/** `answering` waits for the source, or for the client to take what was sent: nothing is read meanwhile. */
type ConnectionState = 'reading' | 'answering' | 'left';

/** One connection, as long as all its requests are plain ones. */
class PlainConnection {
  readonly #options: PlainConnectionOptions;
  /** What follows a path, and was found to be plain: a client sends the same with each request. */
  #known: Buffer | undefined;
  #state: ConnectionState = 'reading';
  /** No further request is read: the client closed its half, or the server stops. */
  #isLast = false;

  constructor(options: PlainConnectionOptions) {
    this.#options = options;
    const { socket } = options;
    socket.setNoDelay(true).setTimeout(KEEP_ALIVE_MS);
    socket.on('data', this.#onData).on('end', this.close).on('close', this.#onClose);
    socket.on('timeout', this.#onFailure).on('error', this.#onFailure);
  }

  /** Ends it, behind the answer that is on its way. */
  readonly close = (): void => {
    this.#isLast = true;
    if (this.#state === 'reading') this.#options.socket.end();
  };

  readonly #onFailure = (): void => void this.#options.socket.destroy();

  readonly #onClose = (): void => {
    this.#state = 'left';
    this.#options.onEnd();
  };

  readonly #onData = (chunk: Buffer): void => {
    const { source, render } = this.#options;
    let rest = chunk;
    while (rest.length > 0) {
      const request = readPlainRequest(rest, this.#known);
      if (request === undefined) return this.#handOver(rest);
      this.#known = request.tail;
      const found = source.find(request.resource);
      if (found instanceof Promise) return void this.#answerLater(request, found, rest);
      rest = rest.length === request.length ? NOTHING : rest.subarray(request.length);
      if (!this.#write(render(request, found))) return this.#untilTaken(rest);
    }
  };

  /** False where the client has to take some of it first. */
  #write(answer: Buffer): boolean {
    const { socket } = this.#options;
    socket.write(answer);
    return socket.writableLength <= UNSENT_BYTES;
  }

  #untilTaken(rest: Buffer): void {
    this.#state = 'answering';
    this.#options.socket.pause().once('drain', () => this.#goOn(rest));
  }

  async #answerLater(request: PlainRequest, found: Promise<Content | undefined>, all: Buffer): Promise<void> {
    this.#state = 'answering';
    this.#options.socket.pause();
    let answer: Buffer;
    try {
      answer = this.#options.render(request, await found);
    } catch {
      // The server's own way asks again, and knows how to tell and log what went wrong.
      if (this.#state === 'answering') this.#handOver(all);
      return;
    }
    if (this.#state !== 'answering') return;
    const rest = all.subarray(request.length);
    if (this.#write(answer)) this.#goOn(rest);
    else this.#untilTaken(rest);
  }

  #goOn(rest: Buffer): void {
    if (this.#state !== 'answering') return;
    this.#state = 'reading';
    this.#onData(rest);
    if (this.#state !== 'reading') return;
    if (this.#isLast) this.#options.socket.end();
    else this.#options.socket.resume();
  }

  #handOver(rest: Buffer): void {
    this.#state = 'left';
    const { socket, onOther } = this.#options;
    socket.pause().setTimeout(0);
    socket.off('data', this.#onData).off('end', this.close).off('close', this.#onClose);
    socket.off('timeout', this.#onFailure).off('error', this.#onFailure);
    onOther(rest);
  }
}
