/** What runs now. */

import { html, type Html } from '../html.ts';
import { outcomeSymbol } from './outcome.ts';
import { time } from './times.ts';

export interface RunningItem {
  readonly attemptId: number;
  readonly stepId: number;
  readonly name: string;
  readonly architecture: string | null;
  readonly builder: string;
  readonly startedAt: string;
}

export function runningList(items: readonly RunningItem[], withBuilder = true): Html {
  return html`<ul class="jobs">
    ${items.map(
      ({ attemptId, stepId, name, architecture, builder, startedAt }) =>
        html`<li>
          ${outcomeSymbol('running')} <a class="name" href="/steps/${stepId}">${name}</a>
          <span class="place"
            >${architecture !== null && `on ${architecture}, `}${withBuilder && `${builder}, `}since
            ${time(startedAt, true)}</span
          >
          <a href="/attempts/${attemptId}/log">log</a>
        </li> `,
    )}
  </ul>`;
}
