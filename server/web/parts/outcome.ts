/** Outcomes and states as people read them: a symbol, a word, and a colour that is never alone. */

import { html, type Html } from '../html.ts';

type Family = 'good' | 'bad' | 'warn' | 'quiet' | 'busy';

interface Look {
  readonly family: Family;
  readonly symbol: string;
  readonly words: string;
}

/** U+FE0E asks for the text form of signs that some fonts draw as pictures. */
const TEXT = '\uFE0E';

const good = (words: string): Look => ({ family: 'good', symbol: `✔${TEXT}`, words });
const bad = (words: string): Look => ({ family: 'bad', symbol: `✘${TEXT}`, words });
const quiet = (symbol: string, words: string): Look => ({ family: 'quiet', symbol, words });
// ⏵ itself is in few fonts; ▶ looks the same and is in all.
const busy = (words: string): Look => ({ family: 'busy', symbol: `▶${TEXT}`, words });

const LOOKS: Readonly<Record<string, Look>> = {
  // Outcomes of steps and jobs.
  built: good('built'),
  substituted: good('substituted'),
  failed: bad('failed'),
  'hash-mismatch': bad('hash mismatch'),
  'failed-with-output': bad('failed with output'),
  'not-deterministic': bad('not deterministic'),
  'timed-out': bad('timed out'),
  'silent-timed-out': bad('timed out, silent'),
  'log-limit': bad('log limit'),
  'output-limit': bad('output limit'),
  unsupported: bad('unsupported'),
  aborted: { family: 'warn', symbol: `✘${TEXT}`, words: 'aborted' },
  'dependency-failed': { family: 'bad', symbol: `↳${TEXT}`, words: 'dependency failed' },
  cancelled: quiet('⊘', 'cancelled'),
  'not-run': quiet('∅', 'not run'),
  // Of evaluations.
  finished: good('finished'),
  superseded: quiet('⊘', 'superseded'),
  // States of what is unfinished.
  queued: quiet('…', 'queued'),
  evaluating: busy('evaluating'),
  building: busy('building'),
  classifying: busy('classifying'),
  publishing: busy('publishing'),
  running: busy('running'),
  dispatched: quiet('…', 'waits for a slot'),
  ready: quiet('…', 'ready'),
  waiting: quiet('…', 'waiting'),
  unfinished: quiet('…', 'unfinished'),
  // Of builders.
  active: good('active'),
  drained: { family: 'warn', symbol: '○', words: 'drained' },
  gone: bad('gone'),
};

function lookOf(word: string): Look {
  // A word that came later than this list is a failure that ought to be seen.
  return LOOKS[word] ?? bad(word);
}

/** `✔ built`. */
export function outcome(word: string): Html {
  const { family, symbol, words } = lookOf(word);
  return html`<span class="outcome ${family}"><span aria-hidden="true">${symbol}</span> ${words}</span>`;
}

/** The symbol alone, with its words for those who do not see it; beside text that says the same. */
export function outcomeSymbol(word: string): Html {
  const { family, symbol, words } = lookOf(word);
  return html`<span class="outcome ${family}" role="img" aria-label="${words}" title="${words}"
    >${symbol}</span
  >`;
}

export function wordsOf(word: string): string {
  return lookOf(word).words;
}

export function familyOf(word: string): Family {
  return lookOf(word).family;
}

/** An evaluation's outcome; one that finished says what was found in it. */
export function evaluationOutcome(evaluation: {
  readonly state: string;
  readonly outcome: string | null;
  readonly jobs: Readonly<Record<string, number>>;
  readonly errors: number;
}): Html {
  const { state, outcome: ended, jobs, errors } = evaluation;
  if (ended !== 'finished') return outcome(ended ?? state);
  const failed = Object.entries(jobs).some(([word]) => familyOf(word) === 'bad' || familyOf(word) === 'warn');
  if (!failed && errors === 0) return outcome('finished');
  return html`<span class="outcome bad"
    ><span aria-hidden="true">✘${TEXT}</span> finished with failures</span
  >`;
}
