/** Builders: whether they take work, why not, and what they have. */

import { html, type Html } from '../html.ts';
import type { Builder } from '../../../domain/api/resources.ts';
import { gpuFacts } from './gpu.ts';
import { outcome } from './outcome.ts';
import { count } from './times.ts';

/** One line a builder, for the overview. */
export function builderLines(builders: readonly Builder[]): Html {
  if (builders.length === 0)
    return html`<p class="quiet">
      No builder has ever been seen. <code>nixwarp up</code> starts one with the server.
    </p>`;
  return html`<ul class="builders">
    ${builders.map(
      (builder) =>
        html`<li>
          <div class="line">
            <a class="name" href="/builders#${builder.name}">${builder.name}</a> ${outcome(builder.state)}
            ${builder.state !== 'gone' && html`<span class="place">${count(builder.running)} of ${count(builder.slots, 'slot')} busy</span>`}
          </div>
          ${builder.state !== 'active' && reason(builder)}
          ${builder.gpus.map((gpu) => html`<p class="gpu">${gpuFacts(gpu)}</p>`)}
        </li> `,
    )}
  </ul>`;
}

/** Why it takes no work. */
export function reason({ reason: why, state }: Pick<Builder, 'reason' | 'state'>): Html | null {
  if (why !== null) return html`<p class="message">${why}</p>`;
  return state === 'gone'
    ? html`<p class="message">it said good-bye, or has not been heard of for a minute</p>`
    : null;
}
