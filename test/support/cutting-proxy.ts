/** A proxy between a client and a server that cuts a connection in the middle of an answer. */

import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';

export interface CuttingProxy extends AsyncDisposable {
  readonly url: string;
  /** First lines and ranges of all requests, in their order: `GET /nar/… Range: bytes=5-`. */
  readonly requests: readonly string[];
  readonly cuts: number;
}

/** Cuts the first connection that carries more than `afterBytes` of answers. */
export async function startCuttingProxy(target: string, afterBytes: number): Promise<CuttingProxy> {
  const { hostname, port } = new URL(target);
  const requests: string[] = [];
  let cuts = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    let passed = 0;
    client.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      const [, line] = /^([A-Z]+ \S+) HTTP\/1\.1\r\n/.exec(text) ?? [];
      const [, range] = /^(range: [^\r]*)\r$/im.exec(text) ?? [];
      if (line !== undefined) requests.push(range === undefined ? line : `${line} ${range}`);
      upstream.write(chunk);
    });
    upstream.on('data', (chunk) => {
      passed += chunk.length;
      client.write(chunk);
      if (cuts > 0 || passed < afterBytes) return;
      cuts++;
      upstream.destroy();
      // What was written is delivered, and no more.
      client.end();
    });
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.end());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get cuts() {
      return cuts;
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
    },
  };
}
