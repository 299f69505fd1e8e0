/** Verdicts on what was built all the same: bytes that differ from those seen before. */

import { classify } from './classify.ts';
import type { Verdict } from './verdict.ts';

/** What a builder noticed beside the outcome: which comparison it was, and a sentence. */
export interface Note {
  readonly rule: string;
  readonly message: string;
}

export function verdictOfNote({ rule, message }: Note): Verdict {
  return {
    ...classify({ outcome: 'not-deterministic', stage: 'measure' }, ''),
    rule,
    evidence: { source: 'fact', line: null, text: message.slice(0, 500), before: null, after: null },
  };
}
