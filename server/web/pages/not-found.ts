/** What a browser is told of something that is not there. */

import { html } from '../html.ts';
import type { View } from '../layout.ts';

export function notFound(detail: string): View {
  return {
    title: 'Not found',
    body: html`<h1>Not found</h1>
      <p>${detail}.</p>
      <p>
        It may have been of an evaluation that was deleted. <a href="/">Overview</a> and
        <a href="/evaluations">evaluations</a> lead to what there is.
      </p>`,
  };
}
