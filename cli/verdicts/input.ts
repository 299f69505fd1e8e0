/** Where logs to classify come from: a file or standard input, as bytes or as lines of any length. */

import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { CommandFailure, EXIT } from '../exit.ts';

/** The bytes of a file; `-` is standard input. A file that cannot be read is the caller's mistake. */
export async function openInput(file: string): Promise<Readable> {
  if (file === '-') return process.stdin;
  const handle = await open(file).catch((error: Error) => {
    throw new CommandFailure(EXIT.usage, `cannot read ${file}: ${error.message}`);
  });
  if ((await handle.stat()).isDirectory()) {
    await handle.close();
    throw new CommandFailure(EXIT.usage, `${file} is a folder, but a log file or - was expected`);
  }
  return handle.createReadStream({ highWaterMark: 256 * 1024 });
}

/** Lines without their line feed. Not `readline`, which takes U+2028 for the end of a line though it may stand in JSON. */
export async function* linesOf(input: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let pieces: Buffer[] = [];
  for await (const chunk of input) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      pieces.push(chunk.subarray(start, end));
      yield Buffer.concat(pieces).toString('utf8');
      pieces = [];
      start = end + 1;
    }
    if (start < chunk.length) pieces.push(chunk.subarray(start));
  }
  if (pieces.length > 0) yield Buffer.concat(pieces).toString('utf8');
}
