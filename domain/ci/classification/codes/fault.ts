/** How tables of codes name what a code means: many codes, of several libraries, share one fault. */

import type { CodeMeaning, CodeTable, Rank } from '../rule.ts';
import type { FailureClass, Retry, Scope } from '../taxonomy.ts';

type Fault = Omit<CodeMeaning, 'id' | 'subclass' | 'explanation'>;

/** The part of a fault that fits one line; `rank` is `specific` unless said. */
export function fault(
  failureClass: FailureClass,
  scope: Scope,
  retry: Retry,
  confidence: number,
  rank: Rank = 'specific',
): Fault {
  return { class: failureClass, scope, retry, confidence, rank };
}

/** Faults by id; the subclass is the id unless the entry names one. */
export type Faults = Readonly<
  Record<string, Fault & { readonly subclass?: string; readonly explanation: string }>
>;

/** One fault as the meaning of a code. Throws for an id that is not there, so that a table cannot point into nothing. */
export function meaningOf(faults: Faults, id: string): CodeMeaning {
  const found = faults[id];
  if (found === undefined) throw new Error(`no fault is called ${id}`);
  return { ...found, id, subclass: found.subclass ?? id };
}

/** A table from spellings of codes to meanings. */
export function codeTable(faults: Faults, ids: Iterable<readonly [string, string]>): CodeTable {
  return new Map([...ids].map(([code, id]) => [code, meaningOf(faults, id)]));
}
