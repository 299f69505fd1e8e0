/** Writing rules down briefly: what the rules of one file share is said once. */

import type { Rule } from '../rule.ts';
import type { FailureClass } from '../taxonomy.ts';

type Shared = Pick<Rule, 'rank' | 'scope' | 'retry' | 'confidence'> &
  Partial<Pick<Rule, 'stages' | 'speaker' | 'link'>>;
type Entry = Pick<Rule, 'subclass' | 'patterns' | 'explanation' | 'examples'> & Partial<Rule>;

/** Rules of one class. An entry's id is its subclass unless it names another, for a second rule of the same fault. */
export function defineRules(
  failureClass: FailureClass,
  shared: Shared,
  entries: readonly Entry[],
): readonly Rule[] {
  return entries.map((entry) => ({ id: entry.subclass, class: failureClass, ...shared, ...entry }));
}
