/** Rows of a log: each line an element with its own address. */

import { html, type Html } from '../html.ts';
import { colouredLine } from '../log/ansi.ts';
import type { LogPage } from '../models/log.ts';
import { count } from './times.ts';

/** Rows that a browser lays out together or not at all (`content-visibility`). */
const BLOCK_ROWS = 100;

/** All windows of the log, with the way to what lies between them. */
export function logWindows({ attempt, windows, lineCount, range }: LogPage): Html {
  const decides = attempt.verdict?.evidence?.line ?? null;
  const parts: Html[] = [];
  let next = 1;
  for (const { from, lines } of windows) {
    if (from > next) parts.push(gap(attempt.id, next, from - 1, range?.lines));
    for (let start = 0; start < lines.length; start += BLOCK_ROWS)
      parts.push(block(lines.slice(start, start + BLOCK_ROWS), from + start, decides));
    next = from + lines.length;
  }
  if (next <= lineCount) parts.push(gap(attempt.id, next, lineCount, range?.lines));
  return html`<div class="log">${parts}</div>`;
}

function block(lines: readonly string[], from: number, decides: number | null): Html {
  return html`<div class="block">
    ${lines.map((line, index) => row(line, from + index, from + index === decides))}
  </div>`;
}

function row(line: string, number: number, decides: boolean): Html {
  const text = decides ? html`<mark>${colouredLine(line)}</mark>` : colouredLine(line);
  // Four thousand of these make a page: without the line feeds that the formatter would put in.
  // prettier-ignore
  return html`<div id="L${number}" class="row${decides && ' decides'}"><a class="no" href="#L${number}">${number}</a><span class="text">${text}</span></div>\n`;
}

/** Lines that are not shown, and where they are. */
function gap(attemptId: number, from: number, to: number, lines = 2_000): Html {
  const link = (start: number, label: string) =>
    html`<a href="/attempts/${attemptId}/log?from=${start}&amp;lines=${lines}#L${start}">${label}</a>`;
  const last = Math.max(from, to - lines + 1);
  return html`<p class="gap">
    ${count(to - from + 1, 'line')} not shown:
    ${link(from, `from line ${count(from)}`)}${last > from && html`, ${link(last, `from line ${count(last)}`)}`}
  </p>`;
}
