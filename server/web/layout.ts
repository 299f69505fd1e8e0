/** The frame of every page. */

import { html, type Html, type HtmlValue } from './html.ts';

export interface Crumb {
  readonly label: string;
  readonly href: string;
}

/** What a page is made of, before it is framed. */
export interface View {
  readonly title: string;
  /** Where the page hangs, outermost first. */
  readonly crumbs?: readonly Crumb[];
  readonly body: HtmlValue;
  /** Only while what is shown still changes. */
  readonly refreshSeconds?: number | undefined;
}

export interface Frame {
  /** Where the JSON twin is; a page about nothing has none. */
  readonly jsonUrl: string | undefined;
  readonly temporalUiUrl: string | undefined;
  readonly version: string;
}

const NAVIGATION: readonly Crumb[] = [
  { label: 'Overview', href: '/' },
  { label: 'Evaluations', href: '/evaluations' },
  { label: 'Builders', href: '/builders' },
  { label: 'Cache', href: '/cache' },
];

export function frame({ title, crumbs = [], body, refreshSeconds }: View, at: Frame): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        ${refreshSeconds !== undefined && html`<meta http-equiv="refresh" content="${refreshSeconds}" />`}
        <title>${title} · nixwarp</title>
        <link rel="stylesheet" href="/assets/style.css" />
        <link rel="icon" href="/assets/icon.svg" type="image/svg+xml" />
        ${at.jsonUrl !== undefined && html`<link rel="alternate" type="application/json" href="${at.jsonUrl}" title="this page as JSON" />`}
      </head>
      <body>
        <a class="skip" href="#main">Skip to content</a>
        <header class="site">
          <a class="brand" href="/">nixwarp</a>
          <nav aria-label="Site">
            ${NAVIGATION.map(({ label, href }) => html`<a href="${href}">${label}</a>`)}
          </nav>
        </header>
        <main id="main">
          ${
            crumbs.length > 0 &&
            html`<nav class="crumbs" aria-label="Breadcrumbs">
              ${crumbs.map(({ label, href }) => html`<a href="${href}">${label}</a> <span aria-hidden="true">/</span> `)}
            </nav>`
          }
          ${body}
        </main>
        ${footer(at)}
      </body>
    </html>`;
}

function footer({ jsonUrl, temporalUiUrl, version }: Frame): Html {
  return html`<footer class="site">
    ${jsonUrl !== undefined && html`<a href="${jsonUrl}">This page as JSON</a>`}
    <a href="/api/openapi.json">OpenAPI</a>
    ${temporalUiUrl !== undefined && html`<a href="${temporalUiUrl}">Temporal</a>`}
    <span>nixwarp ${version}, times in UTC</span>
  </footer>`;
}
