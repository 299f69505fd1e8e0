/** What did not evaluate. */

import { html, type Html } from '../html.ts';
import type { EvaluationError } from '../models/errors.ts';
import { colouredLine } from '../log/ansi.ts';
import { placeOf } from './names.ts';
import { count } from './times.ts';

const KINDS: Readonly<Record<string, string>> = {
  refused: 'refused',
  aggregate: 'broken aggregate',
};

export function errorList(errors: readonly EvaluationError[]): Html {
  return html`<ul class="errors">
    ${errors.map((error) => html`<li>${errorItem(error)}</li> `)}
  </ul>`;
}

function errorItem({ name, system, variant, kind, message, characters }: EvaluationError): Html {
  const words = KINDS[kind];
  const missing = characters - message.length;
  const lines = message.split('\n').map((line) => [colouredLine(line), '\n']);
  const content = html`<summary>
      <span class="name">${name === '' ? 'the whole evaluation' : name}</span>
      ${system !== null && html`<span class="place">${placeOf({ system, variant })}</span>`}
      ${words !== undefined && html`<span class="tag">${words}</span>`}
      <span class="gist">${gist(message)}</span>
    </summary>
    <pre class="message">${lines}${missing > 0 && `… ${count(missing, 'more character')}`}</pre>`;
  return kind === 'fatal' ? html`<details open>${content}</details>` : html`<details>${content}</details>`;
}

const GIST_CHARACTERS = 200;

/** The last line that says something: Nix ends its traces with the error itself. */
function gist(message: string): string {
  const lines = message.split('\n').map((line) => line.trim());
  const text =
    lines.findLast((line) => line.startsWith('error: ')) ?? lines.find((line) => line !== '') ?? '';
  // oxlint-disable-next-line no-control-regex -- colour is made of control characters
  const plain = text.replace(/^error: /, '').replace(/\u001b\[[0-9;]*m/g, '');
  return plain.length > GIST_CHARACTERS ? `${plain.slice(0, GIST_CHARACTERS)} …` : plain;
}
