/** The corpus of labelled failures, which lies outside the repository; a clone elsewhere has none. */

import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface LabelledLog {
  readonly id: string;
  readonly class: string;
  readonly subclass: string;
  readonly source: string;
  readonly log: string;
}

const CORPUS = fileURLToPath(new URL('../../../shared/corpus/failures.jsonl', import.meta.url));

/** All labelled logs, or null where the corpus is not at hand. */
export function readCorpus(): readonly LabelledLog[] | null {
  if (!existsSync(CORPUS)) return null;
  return readFileSync(CORPUS, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as LabelledLog);
}
