/** Small blocks that many pages share: facts, commands, sections, pagers. */

import { html, type Html, type HtmlValue } from '../html.ts';
import { count } from './times.ts';

/** Names with their values; a value of `null` leaves the fact out. */
export function facts(pairs: readonly (readonly [string, HtmlValue])[]): Html {
  return html`<dl class="facts">
    ${pairs.map(
      ([name, value]) =>
        value !== null &&
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div> `,
    )}
  </dl>`;
}

/** Commands to be copied; a line that ends in `\` goes on in the next. */
export function commands(lines: readonly string[], label: string): Html {
  return html`<pre
    class="commands"
    tabindex="0"
    role="group"
    aria-label="${label}"
  ><code>${lines.join('\n')}</code></pre>`;
}

/** A section with its own address; `total` stands beside its name. */
export function section(id: string, title: string, body: HtmlValue, total?: number | string): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title">
    <h2 id="${id}-title">
      <a class="anchor" href="#${id}">${title}</a
      >${total !== undefined && html` <span class="total">${typeof total === 'number' ? count(total) : total}</span>`}
    </h2>
    ${body}
  </section>`;
}

/** What is folded away: `summary` says what and how much. */
export function folded(summary: HtmlValue, body: HtmlValue, open = false): Html {
  return open
    ? html`<details open>
        <summary>${summary}</summary>
        ${body}
      </details>`
    : html`<details>
        <summary>${summary}</summary>
        ${body}
      </details>`;
}

/** A table that scrolls by itself where the screen is narrow. */
export function scrolling(label: string, table: Html): Html {
  return html`<div class="scroll" role="region" aria-label="${label}" tabindex="0">${table}</div>`;
}

/** "… and 37 more", with where they are. */
export function more(shown: number, total: number, href: string, noun = 'more'): Html | null {
  if (total <= shown) return null;
  return html`<p class="more"><a href="${href}">… and ${count(total - shown)} ${noun}</a></p>`;
}

/** The way to the next page of a list. */
export function pager(href: string | null): Html | null {
  return href === null
    ? null
    : html`<nav class="pager" aria-label="Pages"><a rel="next" href="${href}">Next page</a></nav>`;
}
