/** Lists on a job's page: history, outputs, constituents. */

import { html, type Html } from '../html.ts';
import type { JobPage } from '../models/job.ts';
import { outcome, outcomeSymbol } from './outcome.ts';
import { bytes } from './times.ts';

/** Newest first; an evaluation that did not have the job says so. */
export function history(entries: JobPage['history']): Html {
  return html`<ol class="history">
    ${entries.map(({ evaluationId, number, jobId, outcome: ended, revision }) => {
      const what =
        jobId === null ? html`<span class="quiet">— not there</span>` : outcome(ended ?? 'unfinished');
      const name = html`#${number}${revision !== null && html` <code>${revision.slice(0, 8)}</code>`}`;
      return html`<li>
        <a href="${jobId === null ? `/evaluations/${evaluationId}` : `/jobs/${jobId}`}">${name}</a> ${what}
      </li> `;
    })}
  </ol>`;
}

export function outputList(drvPath: string, outputs: JobPage['outputs']): Html {
  return html`<ul class="paths">
    ${outputs.map(
      ({ name, path, narSize, upstream }) =>
        html`<li>
          <b>${name}</b> <code>${path}</code>
          <span class="place"
            >${narSize === null ? (upstream === null ? 'not in this cache' : `at ${upstream}`) : `in this cache, ${bytes(narSize)} unpacked`}</span
          >
        </li> `,
    )}
    <li><b>derivation</b> <code>${drvPath}</code></li>
  </ul>`;
}

/** What an aggregate waits for; what is not good comes first. */
export function constituentList(constituents: NonNullable<JobPage['constituents']>): Html {
  return html`<ul class="jobs">
    ${constituents.map(
      ({ name, jobId, variant, outcome: ended }) =>
        html`<li>
          ${outcomeSymbol(ended ?? 'unfinished')}
          ${jobId === null ? html`<span class="name">${name}</span>` : html`<a class="name" href="/jobs/${jobId}">${name}</a>`}
          ${variant !== null && html`<span class="place">${variant}</span>`}
        </li> `,
    )}
  </ul>`;
}
