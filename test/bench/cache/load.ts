/** Load by wrk, on the second CPU. */

import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type BenchServer, CLIENT_CPU, processFacts } from './servers.ts';

const run = promisify(execFile);

export interface Load {
  readonly requestsPerSecond: number;
  readonly megabytesPerSecond: number;
  /** Of the server. */
  readonly cpuMicrosecondsPerRequest: number;
}

/** Asks for the paths in turn, over and over. @throws Error where an answer is no success. */
export async function load(
  server: BenchServer,
  script: string,
  connections: number,
  seconds: number,
): Promise<Load> {
  const before = await processFacts(server.pid);
  const { stdout } = await run('taskset', [
    ...['-c', CLIENT_CPU, 'wrk', '-t', '1', '-c', String(connections), '-d', `${seconds}s`],
    ...['--timeout', '30s', '-s', script, server.url],
  ]);
  const after = await processFacts(server.pid);
  const [, requests, micros, bytes, failures] =
    /RESULT requests=(\d+) micros=(\d+) bytes=(\d+) failures=(\d+)/.exec(stdout) ?? [];
  if (requests === undefined || Number(failures) > 0)
    throw new Error(`wrk against ${server.name}: ${failures ?? 'no'} failures\n${stdout}`);
  const elapsed = Number(micros) / 1e6;
  return {
    requestsPerSecond: Number(requests) / elapsed,
    megabytesPerSecond: Number(bytes) / 1e6 / elapsed,
    cpuMicrosecondsPerRequest: ((after.cpuSeconds - before.cpuSeconds) * 1e6) / Number(requests),
  };
}

/** A script for `load`. */
export async function writeScript(folder: string, name: string, paths: readonly string[]): Promise<string> {
  const file = join(folder, `${name}.lua`);
  await writeFile(
    file,
    `local paths = {${paths.map((path) => `"/${path}"`).join(',')}}
local next = 0
request = function()
  next = next % #paths + 1
  return wrk.format("GET", paths[next])
end
done = function(summary)
  local e = summary.errors
  io.write(string.format("RESULT requests=%d micros=%d bytes=%d failures=%d\\n", summary.requests, summary.duration,
    summary.bytes, e.connect + e.read + e.write + e.status + e.timeout))
end
`,
  );
  return file;
}
