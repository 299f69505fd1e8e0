/** A log line as a terminal would colour it: colours become classes, everything else that steers a terminal is dropped. */

import { html, type Html, nothing } from '../html.ts';

/** CSI, OSC (with BEL or ST) and two-character escapes (ECMA-48 §5.4, xterm's control sequences). */
// oxlint-disable-next-line no-control-regex -- escape sequences begin with a control character
const ESCAPE = /\u001b(?:\[([0-9;:?]*)[ -/]*([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[ -/]*[0-~])/g;
// oxlint-disable-next-line no-control-regex -- what has no sign of its own is given one
const CONTROL = /([\u0000-\u0008\u000a-\u001f\u007f]+)/;

interface Style {
  readonly bold: boolean;
  /** 0–7 and, brightly, 8–15. */
  readonly colour: number | null;
}

const PLAIN: Style = { bold: false, colour: null };

/** Markup of one line. A colour does not reach into the next line: a log is read from any line on. */
export function colouredLine(line: string): Html {
  const text = line.replace(/\r+$/, '');
  const parts: Html[] = [];
  let style = PLAIN;
  let position = 0;
  for (const match of text.matchAll(ESCAPE)) {
    parts.push(piece(text.slice(position, match.index), style));
    position = match.index + match[0].length;
    if (match[2] === 'm') style = styleAfter(style, match[1] ?? '');
  }
  parts.push(piece(text.slice(position), style));
  return html`${parts}`;
}

function piece(text: string, { bold, colour }: Style): Html {
  if (text === '') return nothing;
  const visible = CONTROL.test(text) ? withControls(text) : html`${text}`;
  const classes = [...(bold ? ['ab'] : []), ...(colour === null ? [] : [`a${colour}`])];
  return classes.length === 0 ? visible : html`<span class="${classes.join(' ')}">${visible}</span>`;
}

/** `^G` for a bell: control characters as terminals and editors write them. */
function withControls(text: string): Html {
  // Splitting by a group keeps what it splits by, at every odd place.
  return html`${text
    .split(CONTROL)
    .map((part, index) =>
      index % 2 === 0 ? part : html`<i class="ctl">${Array.from(part, caret).join('')}</i>`,
    )}`;
}

function caret(control: string): string {
  return `^${String.fromCodePoint((control.codePointAt(0) ?? 0) ^ 0x40)}`;
}

/** Select Graphic Rendition; parameters that only some terminals know are passed over. */
function styleAfter(before: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map(Number);
  let style = before;
  for (let index = 0; index < codes.length; index++) {
    const code = codes[index] ?? 0;
    // 256 colours and true colours have parameters of their own, which are no codes.
    if (code === 38 || code === 48) index += codes[index + 1] === 5 ? 2 : 4;
    else style = withCode(style, code);
  }
  return style;
}

function withCode(style: Style, code: number): Style {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...style, bold: true };
  if (code === 22) return { ...style, bold: false };
  if (code === 39) return { ...style, colour: null };
  if (code >= 30 && code <= 37) return { ...style, colour: code - 30 };
  if (code >= 90 && code <= 97) return { ...style, colour: code - 90 + 8 };
  return style;
}
