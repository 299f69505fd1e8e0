/** Fragments: patterns made of fixed text, gaps and named parts, matched left to right without ever going back. */

/** Named texts of a match; a name that begins with `_` is left out of fingerprints. */
export type Captures = Readonly<Record<string, string>>;

type Piece =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'gap' }
  | { readonly kind: 'part'; readonly name: string };

export interface Fragment {
  readonly pieces: readonly Piece[];
  readonly atStart: boolean;
  readonly atEnd: boolean;
}

/** Longest text kept of a named part: symbols of C++ are long, and a hostile line is longer. */
const PART_CHARACTERS = 200;

/** Parses the notation described at `Pattern`. Throws a `SyntaxError` for a fragment without fixed text. */
export function parseFragment(source: string): Fragment {
  const atStart = source.startsWith('^');
  const atEnd = source.endsWith('$');
  const body = source.slice(atStart ? 1 : 0, atEnd ? -1 : undefined);
  const pieces: Piece[] = [];
  for (const token of body.split(/(…|\{\w+\})/)) {
    if (token === '') continue;
    if (token === '…') pieces.push({ kind: 'gap' });
    else if (/^\{\w+\}$/.test(token)) pieces.push({ kind: 'part', name: token.slice(1, -1) });
    else pieces.push({ kind: 'text', text: token });
  }
  if (!pieces.some((piece) => piece.kind === 'text')) {
    throw new SyntaxError(`fragment ${JSON.stringify(source)} has no fixed text to look for`);
  }
  return { pieces, atStart, atEnd };
}

/** The fixed texts of a fragment; all of them stand in every line that matches. */
export function fragmentTexts(fragment: Fragment): string[] {
  return fragment.pieces.flatMap((piece) => (piece.kind === 'text' ? [piece.text] : []));
}

/** Named parts of the line, or null if it does not match. Every step searches forward only, so the time is linear. */
export function matchFragment(fragment: Fragment, line: string): Captures | null {
  const captures: Record<string, string> = {};
  let at = 0;
  let isFirst = true;
  let pending: Piece[] = [];
  for (const piece of fragment.pieces) {
    if (piece.kind !== 'text') {
      pending.push(piece);
      continue;
    }
    const found =
      isFirst && fragment.atStart ? (line.startsWith(piece.text) ? 0 : -1) : line.indexOf(piece.text, at);
    if (found < 0) return null;
    capture(captures, pending, line.slice(at, found), isFirst ? 'open-start' : 'closed');
    at = found + piece.text.length;
    isFirst = false;
    pending = [];
  }
  if (fragment.atEnd && pending.length === 0 && at !== line.length) return null;
  capture(captures, pending, line.slice(at), fragment.atEnd ? 'closed' : 'open-end');
  return captures;
}

/** Fills the named part of the pieces between two texts; next to a gap or an open end it is one word. */
function capture(
  captures: Record<string, string>,
  pieces: readonly Piece[],
  between: string,
  ends: 'closed' | 'open-start' | 'open-end',
): void {
  const index = pieces.findIndex((piece) => piece.kind === 'part');
  const part = pieces[index];
  if (part?.kind !== 'part') return;
  const startsOpen = index > 0 || ends === 'open-start';
  const endsOpen = index < pieces.length - 1 || ends === 'open-end';
  const text = startsOpen ? lastWord(between) : endsOpen ? firstWord(between) : between;
  captures[part.name] = text.trim().slice(0, PART_CHARACTERS);
}

/** The word before the first fixed text: `libfoo.so.1` of `python: libfoo.so.1: cannot open`. */
function lastWord(text: string): string {
  const trimmed = text.trimEnd();
  return trimmed.slice(trimmed.lastIndexOf(' ') + 1).replace(/^["'(]/, '');
}

/** The word after the last fixed text, without the punctuation that ends a sentence. */
function firstWord(text: string): string {
  const trimmed = text.trimStart();
  const end = trimmed.search(/\s/);
  return (end < 0 ? trimmed : trimmed.slice(0, end)).replace(/[.,;:!)\]'"]{1,4}$/, '');
}
