/** Folders of tests that several of them, or processes that they start, use: gone when the test's process ends. */

import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { disposeOnTermination } from './termination.ts';

const folders: string[] = [];

/** A new folder below the system's temporary one, `nixwarp-NAME-…`. */
export async function temporaryFolder(name: string): Promise<string> {
  if (folders.length === 0) removeAtExit();
  const folder = await mkdtemp(join(tmpdir(), `nixwarp-${name}-`));
  folders.push(folder);
  return folder;
}

function removeAtExit(): void {
  process.once('exit', () => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });
  // A signal would end the process without that event.
  disposeOnTermination({ [Symbol.asyncDispose]: async () => {} });
}
