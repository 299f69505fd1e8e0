/** Jobs by outcome: a bar, and the same in words, failures first. */

import { OUTCOMES } from '../../../domain/ci/outcome.ts';
import { html, type Html, joined } from '../html.ts';
import { changeWords } from './names.ts';
import { familyOf, outcome } from './outcome.ts';
import { count } from './times.ts';

type Counts = Readonly<Record<string, number>>;

const ORDER: readonly string[] = [...OUTCOMES, 'unfinished'];

/** Failures first; what the order does not name is a failure that ought to be seen. */
function entriesInOrder(counts: Counts): [string, number][] {
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
    const rect = html`<rect
      class="${familyOf(word)} ${word}"
      x="${x.toFixed(2)}%"
      width="${width.toFixed(2)}%"
      height="100%"
    ></rect>`;
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

/** In the order in which they matter, each with its colour. */
const CHANGES = [
  ['newlyFailing', 'bad'],
  ['vanished', 'warn'],
  ['fixed', 'good'],
  ['stillFailing', 'quiet'],
  ['new', 'quiet'],
] as const;

type ChangeCounts = { readonly against: number | null } & Readonly<
  Record<(typeof CHANGES)[number][0], number>
>;

/** `2 newly failing, 1 fixed`; what did not happen is not said. `linked`: to the sections of this page. */
export function changeSummary(diff: ChangeCounts, linked = false): Html {
  if (diff.against === null) return html`<span class="quiet">nothing to compare with</span>`;
  const parts = CHANGES.filter(([change]) => diff[change] > 0).map(([change, family]) => {
    const words = `${count(diff[change])} ${changeWords(change)}`;
    return linked
      ? html`<a class="${family}" href="#${change}">${words}</a>`
      : html`<span class="${family}">${words}</span>`;
  });
  return parts.length > 0 ? joined(parts, ', ') : html`<span class="quiet">no change</span>`;
}
