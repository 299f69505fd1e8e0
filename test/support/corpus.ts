/** The corpus of labelled failures, which lies outside the repository; a clone elsewhere has none. */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Labelled } from './labelled-logs.ts';

const CORPUS = fileURLToPath(new URL('../../../shared/corpus/failures.jsonl', import.meta.url));

/** All labelled logs, or null where the corpus is not at hand. */
export function readCorpus(): readonly Labelled[] | null {
  if (!existsSync(CORPUS)) return null;
  return readFileSync(CORPUS, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Labelled);
}
