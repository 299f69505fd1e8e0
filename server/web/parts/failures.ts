/** Failures folded under their roots: the derivation that failed, why, and what fails because of it. */

import { html, type Html, joined } from '../html.ts';
import type { FailureRoot, FailureSection } from '../models/evaluation.ts';
import { folded, more, section } from './blocks.ts';
import { changeWords, jobLink, jobList } from './names.ts';
import { outcome } from './outcome.ts';
import { standIn } from './gpu.ts';
import { bytes, count } from './times.ts';
import { verdictLine } from './verdict.ts';

type Step = FailureRoot['steps'][number];

export interface FailureContext {
  readonly evaluationId: number;
  /** The change that everything of the section has. */
  readonly change: string;
}

/** A section of failures; nothing where there is none. */
export function failureSection(
  { evaluationId, change }: FailureContext,
  title: string,
  { roots, total }: FailureSection,
): Html | null {
  if (total === 0) return null;
  return section(
    change,
    title,
    html`<ol class="failures">
        ${roots.map((root) => failure(root, { evaluationId, change }))}
      </ol>
      ${more(roots.length, total, `/evaluations/${evaluationId}/jobs?change=${change === 'failing' ? 'new' : change}`, 'more causes')}`,
    count(total, 'cause'),
  );
}

function failure(root: FailureRoot, { evaluationId, change }: FailureContext): Html {
  const [first, ...others] = root.jobs;
  const tag = first !== undefined && first.change !== null && first.change !== change && change !== 'failing';
  const title =
    first === undefined
      ? html`<a class="name" href="/steps/${root.steps[0]?.id ?? 0}">${root.name}</a>
          <span class="place">no job of its own</span>`
      : html`${jobLink(first)}${tag && html` <span class="tag">${changeWords(first.change ?? '')}</span>`}`;
  return html`<li class="failure">
    <div class="line">
      <h3>${title}</h3>
      ${root.steps.length === 0 ? outcome(first?.outcome ?? 'failed') : root.steps.length === 1 && where(root.steps[0])}
    </div>
    ${root.steps.map((step) => html`${root.steps.length > 1 && html`<p>${where(step)}</p>`} ${why(step)}`)}
    ${
      others.length > 0 &&
      html`<p class="also">
        The same derivation is also
        ${joined(
          others.map((job) => jobLink(job)),
          ', ',
        )}.
      </p>`
    }
    ${
      root.blockedTotal > 0 &&
      folded(
        html`<b>${count(root.blockedTotal, 'job')}</b> ${root.blockedTotal === 1 ? 'fails' : 'fail'} because
          of it`,
        html`${jobList(root.blocked, change)}
        ${more(root.blocked.length, root.blockedTotal, `/evaluations/${evaluationId}/jobs?root=${root.drvHash}`)}`,
      )
    }
  </li> `;
}

/** How and where a step failed, and its log. */
function where(step: Step | undefined): Html | null {
  if (step === undefined) return null;
  const { architecture, outcome: ended, attemptId, builder, logBytes, gpu } = step;
  return joined(
    [
      html`<span>${outcome(ended)}${architecture !== null && html` on <b>${architecture}</b>`}</span>`,
      gpu?.standIn === true && standIn(),
      builder !== null && html`<span class="place">by ${builder}</span>`,
      attemptId !== null && logBytes !== null && logLink(attemptId, logBytes),
    ],
    ' ',
  );
}

function logLink(attemptId: number, size: number): Html {
  return html`<a href="/attempts/${attemptId}/log">log <span class="place">${bytes(size)}</span></a>`;
}

function why({ verdict, reason, attemptId }: Step): Html | null {
  if (verdict !== null) return verdictLine(verdict, attemptId);
  return reason === null ? null : html`<p class="message">${reason}</p>`;
}
