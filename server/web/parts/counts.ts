/** Jobs by outcome: a bar, and the same in words, failures first. */

import { OUTCOMES } from '../../../domain/ci/outcome.ts';
import { html, type Html, joined } from '../html.ts';
import { familyOf, outcome, wordsOf } from './outcome.ts';
import { count } from './times.ts';

type Counts = Readonly<Record<string, number>>;

const ORDER: readonly string[] = [...OUTCOMES, 'unfinished'];

/** Failures first; what the order does not name is a failure that ought to be seen. */
export function entriesInOrder(counts: Counts): [string, number][] {
  return Object.entries(counts)
    .filter(([, jobs]) => jobs > 0)
    .toSorted(([a], [b]) => ORDER.indexOf(a) - ORDER.indexOf(b));
}

export function totalOf(counts: Counts): number {
  return Object.values(counts).reduce((sum, jobs) => sum + jobs, 0);
}

/** Shares as a bar; its words stand beside it. */
export function outcomeBar(counts: Counts): Html {
  const total = totalOf(counts);
  if (total === 0) return html``;
  let x = 0;
  const rects = entriesInOrder(counts).map(([word, jobs]) => {
    const width = (jobs / total) * 100;
    const rect = html`<rect class="${familyOf(word)}" x="${x.toFixed(2)}%" width="${width.toFixed(2)}%" height="100%"></rect>`;
    x += width;
    return rect;
  });
  return html`<svg class="bar" aria-hidden="true" preserveAspectRatio="none">${rects}</svg>`;
}

/** `✘ 3 failed  ↳ 5 dependency failed  ✔ 20 built`; each leads to its jobs where `href` says to which list. */
export function outcomeCounts(counts: Counts, href?: (word: string) => string): Html {
  const entries = entriesInOrder(counts);
  if (entries.length === 0) return html`<span class="quiet">no jobs</span>`;
  return html`<ul class="counts">
    ${entries.map(([word, jobs]) => {
      const label = html`<b>${count(jobs)}</b> ${outcome(word)}`;
      return html`<li>${href === undefined ? label : html`<a href="${href(word)}">${label}</a>`}</li> `;
    })}
  </ul>`;
}

/** `2 newly failing, 1 fixed`; what did not happen is not said. */
export function changeSummary(diff: {
  readonly against: number | null;
  readonly newlyFailing: number;
  readonly stillFailing: number;
  readonly fixed: number;
  readonly new: number;
  readonly vanished: number;
}): Html {
  if (diff.against === null) return html`<span class="quiet">nothing to compare with</span>`;
  const part = (jobs: number, words: string, family: string) =>
    jobs > 0 && html`<span class="${family}">${count(jobs)} ${words}</span>`;
  const parts = joined(
    [
      part(diff.newlyFailing, 'newly failing', 'bad'),
      part(diff.vanished, 'vanished', 'warn'),
      part(diff.fixed, 'fixed', 'good'),
      part(diff.stillFailing, 'still failing', 'quiet'),
      part(diff.new, 'new', 'quiet'),
    ],
    ', ',
  );
  const changed = diff.newlyFailing + diff.vanished + diff.fixed + diff.stillFailing + diff.new > 0;
  return changed ? parts : html`<span class="quiet">no change</span>`;
}

/** `3 failed, 20 built` as plain text. */
export function countsText(counts: Counts): string {
  return entriesInOrder(counts)
    .map(([word, jobs]) => `${count(jobs)} ${wordsOf(word)}`)
    .join(', ');
}
