/** `/`: what runs, what came out lately, who builds, how to use the cache. */

import type { FastifyInstance } from 'fastify';
import { html, type Html } from '../html.ts';
import type { View } from '../layout.ts';
import { cacheCommands } from '../models/commands.ts';
import type { ModelContext } from '../models/context.ts';
import { loadOverview, type Overview, OverviewSchema } from '../models/overview.ts';
import { addPage, NO_PARAMS, NO_QUERY } from '../page.ts';
import { section } from '../parts/blocks.ts';
import { builderLines } from '../parts/builders.ts';
import { evaluationList, openEvaluations } from '../parts/evaluations.ts';
import { commandList } from '../parts/reproduce.ts';
import { runningList } from '../parts/running.ts';
import { count } from '../parts/times.ts';

const REFRESH_SECONDS = 10;

export function overviewPage(app: FastifyInstance, context: ModelContext): void {
  addPage(app, context.deps, {
    url: '/',
    summary: 'Overview',
    params: NO_PARAMS,
    query: NO_QUERY,
    model: OverviewSchema,
    load: () => loadOverview(context),
    view: overview,
  });
}

function overview(model: Overview): View {
  const { status, open, recent, running, builders } = model;
  return {
    title: 'Overview',
    refreshSeconds: open.length > 0 ? REFRESH_SECONDS : undefined,
    body: html`<h1>Overview</h1>
      ${builders.length > 0 && !status.ready && html`<p class="notice">No builder takes work now: what is asked for waits.</p>`}
      ${
        open.length > 0 &&
        section(
          'open',
          'Running now',
          html`${openEvaluations(open)}
          ${
            running.length > 0 &&
            html`<h3>Steps</h3>
              ${runningList(running)}`
          }`,
          status.evaluationsOpen,
        )
      }
      <div class="columns">
        <div>
          ${section(
            'recent',
            'Newest evaluations',
            html`${recent.length === 0 ? firstSteps() : evaluationList(recent)}
              <p class="more"><a href="/evaluations">All evaluations</a></p>`,
          )}
        </div>
        <div>
          ${section(
            'builders',
            'Builders',
            html`${builderLines(builders)}
              <p class="quiet">${count(status.builders)} of ${count(builders.length)} take work</p>`,
          )}
          ${section('cache', 'Use the cache', commandList(cacheCommands(status.cache)))}
          ${section('elsewhere', 'Look further', links(status.temporalUiUrl))}
        </div>
      </div>`,
  };
}

function firstSteps(): Html {
  return html`<p>Nothing has been evaluated yet. Evaluate, build and test something:</p>
    <pre class="commands"><code>nixwarp run ./examples/minimal</code></pre>`;
}

function links(temporalUiUrl: string | null): Html {
  return html`<ul class="plain">
    ${temporalUiUrl !== null && html`<li><a href="${temporalUiUrl}">Temporal</a>: every workflow with its history</li>`}
    <li><a href="/api/v1/status">API</a>, described in <a href="/api/openapi.json">OpenAPI</a></li>
    <li><a href="/api/jobset.schema.json">Schema of jobset files</a></li>
    <li><a href="/nix-cache-info">What Nix reads of this cache</a></li>
  </ul>`;
}
