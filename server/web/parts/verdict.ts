/** A verdict: what it was judged to be, on which evidence, and what to do. */

import type { Static } from 'typebox';
import { html, type Html, joined } from '../html.ts';
import type { VerdictDetailSchema } from '../models/schemas.ts';
import { facts } from './blocks.ts';

export type VerdictDetail = Static<typeof VerdictDetailSchema>;

const RETRY_WORDS: Readonly<Record<string, string>> = {
  no: 'no: it would end the same way',
  same: 'once more, anywhere',
  other: 'on another builder',
  bigger: 'with more memory',
  fix: 'only after an operator acted',
};

/** `build-compile/api-change`. */
export function className({
  class: failureClass,
  subclass,
}: Pick<VerdictDetail, 'class' | 'subclass'>): Html {
  return html`<span class="class">${failureClass}/${subclass}</span>`;
}

/** `95 % sure`. */
export function confidence(value: number): string {
  return `${Math.round(value * 100)} % sure`;
}

/** The line that decided with its neighbours; numbers lead to the log's line. */
export function evidence(verdict: VerdictDetail, attemptId: number | null): Html | null {
  if (verdict.evidence === null) return null;
  const { text, line, before, after } = verdict.evidence;
  const number = (at: number | null) => {
    if (at === null) return html`<span class="no"></span>`;
    if (attemptId === null) return html`<span class="no">${at}</span>`;
    return html`<a class="no" href="/attempts/${attemptId}/log#L${at}" aria-label="line ${at} of the log"
      >${at}</a
    >`;
  };
  const row = (at: number | null, content: string, decides: boolean) =>
    html`<div class="row${decides ? ' decides' : ''}">
      ${number(at)}<span class="text">${content}</span>
    </div>`;
  return html`<figure class="evidence">
    <div class="lines">
      ${before !== null && row(line === null ? null : line - 1, before, false)} ${row(line, text, true)}
      ${after !== null && row(line === null ? null : line + 1, after, false)}
    </div>
  </figure>`;
}

/** Everything that is known of a verdict, for the page of its job. */
export function verdictReport(verdict: VerdictDetail, attemptId: number | null): Html {
  return html`<div class="verdict">
    <p class="explanation">${verdict.explanation}</p>
    ${evidence(verdict, attemptId)}
    ${facts([
      ['Class', className(verdict)],
      ['Whose', verdict.scope === undefined || verdict.scope === 'unknown' ? null : verdict.scope],
      ['Phase', verdict.phase ?? null],
      ['Confidence', html`${confidence(verdict.confidence)}, by rule <code>${verdict.rule}</code>`],
      ['Try again', RETRY_WORDS[verdict.retry] ?? verdict.retry],
      [
        'Suspected flake',
        verdict.suspectedFlake === true ? 'the same derivation ended otherwise before' : null,
      ],
      ['Fingerprint', html`<code>${verdict.fingerprint}</code>`],
      ['See', verdict.link === null || verdict.link === undefined ? null : reference(verdict.link)],
    ])}
  </div>`;
}

/** Rules link to manuals; anything but a web address is shown as text. */
function reference(link: string): Html {
  return /^https?:\/\//.test(link)
    ? html`<a href="${link}" rel="noreferrer">${link}</a>`
    : html`<code>${link}</code>`;
}

/** One paragraph, for lists: class, evidence, what to do. */
export function verdictLine(verdict: VerdictDetail, attemptId: number | null): Html {
  return html`<div class="verdict brief">
    <p>${joined([className(verdict), html`<span>${verdict.explanation}</span>`], ' ')}</p>
    ${evidence({ ...verdict, evidence: verdict.evidence && { ...verdict.evidence, before: null, after: null } }, attemptId)}
  </div>`;
}
