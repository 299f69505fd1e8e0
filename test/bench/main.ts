/** `npm run bench -- NAME`: measures, always beside a baseline in the same run, and prints ratios. */

import { cacheIndex } from './cache-index.ts';
import { cache } from './cache.ts';
import { benchClassify } from './classify.ts';
import { ingest } from './ingest.ts';
import { benchInspect } from './inspect.ts';
import { large } from './large.ts';
import { benchRegressions } from './regressions.ts';
import { steps } from './steps.ts';
import { benchVerdicts } from './verdicts.ts';

const BENCHES: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  steps,
  large,
  cache,
  'cache-index': cacheIndex,
  ingest,
  classify: async () => benchClassify(),
  verdicts: async ([file]) => benchVerdicts(file),
  inspect: async (args) => benchInspect(args),
  regressions: async (args) => benchRegressions(args),
};

const [name = '', ...args] = process.argv.slice(2);
const bench = BENCHES[name];
if (bench === undefined) {
  console.error(`npm run bench -- NAME, where NAME is one of: ${Object.keys(BENCHES).join(', ')}`);
  process.exit(2);
}
await bench(args);
process.exit(0);
