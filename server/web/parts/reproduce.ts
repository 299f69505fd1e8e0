/** Commands to be copied, each under what it is good for. */

import { html, type Html } from '../html.ts';
import type { Commands } from '../models/commands.ts';
import { commands } from './blocks.ts';

export function commandList(list: readonly Commands[]): Html {
  return html`${list.map(
    ({ title, lines }) =>
      html`<h3>${title}</h3>
        ${commands(lines, title)}`,
  )}`;
}

/** The same, with what Nix must be told before it knows them. */
export function reproduction(list: readonly Commands[]): Html {
  return html`<p class="quiet">
      With <code>experimental-features = nix-command</code> in nix.conf; the derivation comes from this cache.
    </p>
    ${commandList(list)}`;
}
