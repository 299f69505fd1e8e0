/** The events of a log that grows: server-sent events (WHATWG HTML §9.2), as far as our server sends them. */

import { setTimeout as sleep } from 'node:timers/promises';
import { CommandFailure, EXIT } from './exit.ts';

interface LogEvent {
  readonly name: string;
  /** Bytes of the log up to and with this event. */
  readonly id: string;
  readonly data: string;
}

/** A server that is started again is back within this. */
const TRIES = 6;
const FIRST_PAUSE_MS = 500;

/**
 * Passes a log on until it is closed. A stream that breaks is taken up where it broke.
 * @param open asks for the events after a position.
 * @throws CommandFailure (infrastructure) when it cannot be taken up again.
 */
export async function followEvents(
  open: (lastEventId: string | undefined) => Promise<Response>,
  onText: (text: string) => void,
  firstPauseMs = FIRST_PAUSE_MS,
): Promise<void> {
  let position: string | undefined;
  for (let tries = 0, pause = firstPauseMs; ; tries++, pause *= 2) {
    try {
      for await (const { name, id, data } of parseEvents((await open(position)).body)) {
        if (name === 'end') return;
        if (name === 'log') onText(data);
        position = id;
        tries = 0;
        pause = firstPauseMs;
      }
    } catch (error) {
      // What the server refused stays refused.
      if (error instanceof CommandFailure && error.status !== EXIT.infrastructure) throw error;
      if (tries >= TRIES) throw error;
    }
    if (tries >= TRIES)
      throw new CommandFailure(EXIT.infrastructure, `the log broke off ${TRIES + 1} times before its end`);
    await sleep(pause);
  }
}

async function* parseEvents(body: ReadableStream<Uint8Array> | null): AsyncGenerator<LogEvent> {
  if (body === null) return;
  let rest = '';
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const fields = (field: string) =>
        block
          .split('\n')
          .filter((line) => line.startsWith(`${field}: `))
          .map((line) => line.slice(field.length + 2));
      const [name] = fields('event');
      if (name !== undefined) yield { name, id: fields('id')[0] ?? '', data: fields('data').join('\n') };
    }
  }
}
