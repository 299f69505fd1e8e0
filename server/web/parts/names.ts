/** Names of jobs, evaluations and revisions, with their links. All of them come from outside. */

import { html, type Html, joined } from '../html.ts';
import { outcomeSymbol } from './outcome.ts';

export interface Named {
  readonly name: string;
  readonly system: string;
  readonly variant: string | null;
}

/** `x86_64-linux · cuda12`. */
export function placeOf({ system, variant }: Pick<Named, 'system' | 'variant'>): string {
  return variant === null ? system : `${system} · ${variant}`;
}

/** A job by name, with system and variant beside it. */
export function jobLink(job: Named & { readonly id: number }): Html {
  return html`<a class="name" href="/jobs/${job.id}">${job.name}</a>
    <span class="place">${placeOf(job)}</span>`;
}

const CHANGE_WORDS: Readonly<Record<string, string>> = {
  newlyFailing: 'newly failing',
  stillFailing: 'still failing',
  fixed: 'fixed',
  new: 'new',
  unfinished: 'nothing to compare with',
  stillSucceeding: 'still good',
  vanished: 'vanished',
};

export function changeWords(change: string): string {
  return CHANGE_WORDS[change] ?? change;
}

type ListedJob = Named & {
  readonly id: number;
  readonly outcome: string | null;
  readonly change?: string | null;
};

/** A list of jobs, each with its outcome; `section` is the change that all are listed under and need not say. */
export function jobList(jobs: readonly ListedJob[], section?: string): Html {
  return html`<ul class="jobs">
    ${jobs.map((job) => {
      const tag =
        job.change !== null && job.change !== undefined && section !== undefined && job.change !== section
          ? html` <span class="tag">${changeWords(job.change)}</span>`
          : null;
      return html`<li>${outcomeSymbol(job.outcome ?? 'unfinished')} ${jobLink(job)}${tag}</li> `;
    })}
  </ul>`;
}

/** `demo/cuda #12`. */
export function evaluationName(evaluation: {
  readonly project: string;
  readonly jobset: string;
  readonly number: number;
}): string {
  return `${evaluation.project}/${evaluation.jobset} #${evaluation.number}`;
}

/** A revision as people quote it, with a mark where the tree had changes that no commit holds. */
export function revision({
  revision: text,
  dirty,
}: {
  readonly revision: string | null;
  readonly dirty: boolean;
}): Html {
  if (text === null) return html`<span class="quiet">${dirty ? 'uncommitted files' : 'no revision'}</span>`;
  return joined(
    [
      html`<code title="${text}">${text.slice(0, 12)}</code>`,
      dirty && html`<span class="tag warn">dirty tree</span>`,
    ],
    ' ',
  );
}

/** The name in `/nix/store/<hash>-<name>`. */
export function storeName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 34);
}
