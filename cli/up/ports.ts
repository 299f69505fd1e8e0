/** Ports on the loopback address: the usual one, or a free one where nobody asked for a certain one. */

import { createServer } from 'node:net';

export class PortTaken extends Error {
  override readonly name = 'PortTaken';
}

/** @throws PortTaken naming what wanted the port, the port, and the setting that changes it. */
export async function requirePort(what: string, host: string, port: number, setting: string): Promise<void> {
  if (!(await isFree(host, port)))
    throw new PortTaken(
      `port ${port} on ${host}, which ${what} is to listen on, is taken by another program; set ${setting} to another`,
    );
}

/**
 * The port to use: the one asked for (an error where it is taken), else the first free one of `usual` and those above it.
 */
export async function choosePort(
  what: string,
  asked: number | undefined,
  usual: number,
  setting: string,
): Promise<number> {
  if (asked !== undefined) {
    await requirePort(what, '127.0.0.1', asked, setting);
    return asked;
  }
  for (let port = usual; port < usual + 500; port++) if (await isFree('127.0.0.1', port)) return port;
  throw new PortTaken(`no port from ${usual} to ${usual + 499} is free for ${what}; set ${setting}`);
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    });
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

/** A port that is free now, of those that the system hands out. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
