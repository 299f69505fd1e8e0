/** HTML as a type: text becomes markup only through `html`, which escapes whatever is not markup already. */

import { html as escaping } from 'ghtml';

const MARKUP = Symbol('markup');

/** A piece of well-formed markup. No parsed JSON can pretend to be one: it would need the symbol. */
export interface Html {
  readonly [MARKUP]: string;
}

/** What a template takes; `null`, `undefined` and `false` are nothing. */
export type HtmlValue = Html | string | number | null | undefined | false | readonly HtmlValue[];

/**
 * Controls of writing direction: a name could show itself, or what stands beside it, as something else.
 * They are replaced by a visible sign, wherever they come from.
 */
const DIRECTION = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/g;

/** A template of markup. Attribute values must stand in quotes. */
export function html(literals: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let markup = literals[0] ?? '';
  for (const [index, value] of values.entries()) markup += markupOfValue(value) + (literals[index + 1] ?? '');
  return { [MARKUP]: markup };
}

function markupOfValue(value: HtmlValue): string {
  if (value === null || value === undefined || value === false) return '';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return escaping`${value.replace(DIRECTION, '\uFFFD')}`;
  if (isList(value)) return value.map(markupOfValue).join('');
  return value[MARKUP];
}

function isList(value: Html | readonly HtmlValue[]): value is readonly HtmlValue[] {
  return Array.isArray(value);
}

export const nothing: Html = html``;

/** The text of markup, to be sent. */
export function formatHtml(markup: Html): string {
  return markup[MARKUP];
}

export function isNothing(markup: Html): boolean {
  return markup[MARKUP] === '';
}

/** Pieces with a separator between them; what is nothing takes none. */
export function joined(pieces: readonly HtmlValue[], separator: Html | string): Html {
  const present = pieces.map(markupOfValue).filter((piece) => piece !== '');
  return { [MARKUP]: present.join(markupOfValue(separator)) };
}
