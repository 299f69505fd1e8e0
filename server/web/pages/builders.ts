/** `/builders`: who takes work, who does not and why, which GPUs there are, what runs on each. */

import type { FastifyInstance } from 'fastify';
import { html, type Html } from '../html.ts';
import type { View } from '../layout.ts';
import {
  type BuilderWithWork,
  type BuildersPage,
  BuildersPageSchema,
  loadBuildersPage,
} from '../models/builders.ts';
import { shellWord } from '../models/commands.ts';
import type { ModelContext } from '../models/context.ts';
import { addPage, NO_PARAMS, NO_QUERY } from '../page.ts';
import { commands, facts, folded } from '../parts/blocks.ts';
import { reason } from '../parts/builders.ts';
import { gpuFacts } from '../parts/gpu.ts';
import { outcome } from '../parts/outcome.ts';
import { runningList } from '../parts/running.ts';
import { bytes, count, time } from '../parts/times.ts';

const REFRESH_SECONDS = 15;

export function buildersPage(app: FastifyInstance, context: ModelContext): void {
  addPage(app, context.deps, {
    url: '/builders',
    summary: 'Builders with their GPUs and what runs on them',
    params: NO_PARAMS,
    query: NO_QUERY,
    model: BuildersPageSchema,
    load: () => loadBuildersPage(context),
    view: buildersView,
  });
}

function buildersView({ builders }: BuildersPage): View {
  return {
    title: 'Builders',
    crumbs: [{ label: 'Overview', href: '/' }],
    refreshSeconds: builders.some((builder) => builder.work.length > 0) ? REFRESH_SECONDS : undefined,
    body: html`<h1>Builders</h1>
      ${builders.length === 0 && html`<p class="quiet">No builder has ever been seen.</p>`}
      <div class="cards">${builders.map(card)}</div>
      ${builders.length > 0 && folded('Take a builder out of work', drainCommands(builders[0]?.name ?? ''))}`,
  };
}

function card(builder: BuilderWithWork): Html {
  const {
    name,
    state,
    slots,
    running,
    systems,
    features,
    nixVersion,
    workerVersion,
    freeBytes,
    lastSeenAt,
    gpus,
    work,
  } = builder;
  return html`<section id="${name}" class="card ${state}" aria-labelledby="${name}-title">
    <div class="line">
      <h2 id="${name}-title">${name}</h2>
      ${outcome(state)}
      ${state !== 'gone' && html`<span class="place push">${count(running)} of ${count(slots, 'slot')} busy</span>`}
    </div>
    ${state !== 'active' && reason(builder)}
    ${
      gpus.length > 0 &&
      html`<ul class="gpus">
        ${gpus.map((gpu) => html`<li>${gpuFacts(gpu)}</li> `)}
      </ul>`
    }
    ${work.length > 0 && runningList(work, false)}
    ${facts([
      ['Systems', systems.join(', ')],
      ['Features', features.length === 0 ? null : features.join(', ')],
      ['Free disk', freeBytes === null ? null : bytes(freeBytes)],
      ['Nix', nixVersion],
      ['nixwarp', workerVersion],
      ['Last seen', time(lastSeenAt, true)],
    ])}
  </section> `;
}

function drainCommands(name: string): Html {
  const word = shellWord(name);
  return commands(
    [`nixwarp drain ${word} --reason 'why, for all to see'`, `nixwarp drain ${word} --undo`],
    'drain a builder',
  );
}
