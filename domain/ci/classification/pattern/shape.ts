/** The structure of a regular expression, as far as rules use them. */

/** A set of characters, by code below 128; everything above counts as one character, `other`. */
export interface CharSet {
  readonly has: readonly boolean[];
}

export type Shape =
  | { readonly kind: 'char'; readonly set: CharSet; readonly literal: string | null }
  | { readonly kind: 'sequence'; readonly items: readonly Shape[] }
  | { readonly kind: 'choice'; readonly options: readonly Shape[] }
  | { readonly kind: 'repeat'; readonly item: Shape; readonly min: number; readonly max: number }
  /** `^`, `$`, `\b` and look-around: takes no character. */
  | { readonly kind: 'assertion' };

const OTHER = 128;
const EVERYTHING: CharSet = { has: Array.from({ length: OTHER + 1 }, () => true) };
const nothing = (): boolean[] => Array.from({ length: OTHER + 1 }, () => false);

/** Where the parser stands in a source. */
interface Cursor {
  readonly source: string;
  at: number;
}

/** Parses a regular expression's source. Throws a `SyntaxError` for what rules must not use (backreferences, `\p`). */
export function parseShape(regex: RegExp): Shape {
  const cursor: Cursor = { source: regex.source, at: 0 };
  const shape = parseChoice(cursor);
  if (cursor.at < cursor.source.length) throw new SyntaxError(`unbalanced ) in ${String(regex)}`);
  return shape;
}

function parseChoice(cursor: Cursor): Shape {
  const options = [parseSequence(cursor)];
  while (take(cursor, '|')) options.push(parseSequence(cursor));
  return options.length === 1 && options[0] !== undefined ? options[0] : { kind: 'choice', options };
}

function parseSequence(cursor: Cursor): Shape {
  const items: Shape[] = [];
  while (cursor.at < cursor.source.length && !sees(cursor, '|') && !sees(cursor, ')')) {
    items.push(parseRepeat(cursor, parseAtom(cursor)));
  }
  return { kind: 'sequence', items };
}

function parseRepeat(cursor: Cursor, item: Shape): Shape {
  const match = /^(?:[*+?]|\{(\d+)(,)?(\d+)?\})\??/.exec(cursor.source.slice(cursor.at));
  if (match === null) return item;
  cursor.at += match[0].length;
  const [text, low, comma, high] = match;
  if (text.startsWith('*')) return { kind: 'repeat', item, min: 0, max: Infinity };
  if (text.startsWith('+')) return { kind: 'repeat', item, min: 1, max: Infinity };
  if (text.startsWith('?')) return { kind: 'repeat', item, min: 0, max: 1 };
  const min = Number(low);
  return {
    kind: 'repeat',
    item,
    min,
    max: comma === undefined ? min : high === undefined ? Infinity : Number(high),
  };
}

function parseAtom(cursor: Cursor): Shape {
  if (take(cursor, '(')) return parseGroup(cursor);
  if (take(cursor, '^') || take(cursor, '$')) return { kind: 'assertion' };
  if (take(cursor, '.')) return { kind: 'char', set: EVERYTHING, literal: null };
  if (take(cursor, '[')) return parseClass(cursor);
  if (take(cursor, '\\')) return parseEscape(cursor);
  return literal(next(cursor));
}

function parseGroup(cursor: Cursor): Shape {
  const opening = /^\?(?::|<?[=!]|<\w+>)/.exec(cursor.source.slice(cursor.at))?.[0] ?? '';
  cursor.at += opening.length;
  const shape = parseChoice(cursor);
  if (!take(cursor, ')')) throw new SyntaxError(`missing ) in /${cursor.source}/`);
  return /[=!]$/.test(opening) ? { kind: 'assertion' } : shape;
}

function parseClass(cursor: Cursor): Shape {
  const negated = take(cursor, '^');
  const has = nothing();
  while (!take(cursor, ']')) {
    const first = parseClassItem(cursor);
    if (sees(cursor, '-') && cursor.source[cursor.at + 1] !== ']') {
      cursor.at++;
      const high = parseClassItem(cursor).indexOf(true);
      for (let code = first.indexOf(true); code <= high; code++) has[code] = true;
    } else {
      first.forEach((isIn, code) => (has[code] ||= isIn));
    }
  }
  return {
    kind: 'char',
    set: { has: negated ? has.map((isIn) => !isIn) : has },
    literal: negated ? null : oneLetter(has),
  };
}

/** The letter of `[Ee]`: the prefilter does not tell upper from lower case. */
function oneLetter(has: readonly boolean[]): string | null {
  const members = has.flatMap((isIn, code) => (isIn ? [String.fromCharCode(code).toLowerCase()] : []));
  const [first] = members;
  return first !== undefined && !has[OTHER] && members.every((member) => member === first) ? first : null;
}

function parseClassItem(cursor: Cursor): readonly boolean[] {
  if (!take(cursor, '\\')) return only(next(cursor));
  const shape = parseEscape(cursor);
  return shape.kind === 'char' ? shape.set.has : only('\b');
}

function parseEscape(cursor: Cursor): Shape {
  const letter = next(cursor);
  if (letter === 'b' || letter === 'B') return { kind: 'assertion' };
  const set = ESCAPED_SETS.get(letter);
  if (set !== undefined) return { kind: 'char', set, literal: null };
  if (letter === 't') return literal('\t');
  if (/[A-Za-z0-9]/.test(letter)) throw new SyntaxError(`\\${letter} in /${cursor.source}/ is not supported`);
  return literal(letter);
}

function sees(cursor: Cursor, text: string): boolean {
  return cursor.source.startsWith(text, cursor.at);
}

function take(cursor: Cursor, text: string): boolean {
  if (!sees(cursor, text)) return false;
  cursor.at += text.length;
  return true;
}

function next(cursor: Cursor): string {
  const character = cursor.source[cursor.at];
  if (character === undefined) throw new SyntaxError(`/${cursor.source}/ ends too early`);
  cursor.at++;
  return character;
}

/** `\d`, `\w`, `\s` and their opposites. */
const ESCAPED_SETS: ReadonlyMap<string, CharSet> = new Map(
  Object.entries({ d: /\d/, w: /\w/, s: /\s/ }).flatMap(([letter, known]) => {
    const has = EVERYTHING.has.map((_, code) => code !== OTHER && known.test(String.fromCharCode(code)));
    return [
      [letter, { has }],
      [letter.toUpperCase(), { has: has.map((isIn) => !isIn) }],
    ];
  }),
);

const literals = new Map<string, Shape>();

function only(character: string): boolean[] {
  const has = nothing();
  has[Math.min(character.charCodeAt(0), OTHER)] = true;
  return has;
}

/** One character; shapes of equal characters are shared, for patterns consist of little else. */
function literal(character: string): Shape {
  const known = literals.get(character);
  if (known !== undefined) return known;
  const shape: Shape = { kind: 'char', set: { has: only(character) }, literal: character };
  literals.set(character, shape);
  return shape;
}
