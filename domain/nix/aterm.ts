/** The few terms that `.drv` files are made of: strings, tuples and lists (`src/libstore/derivations.cc`). */
import { ParseError } from '../parse-error.ts';

/** Reads a text from its start; everything throws a `ParseError` naming the place where the text departs from the format. */
export interface AtermReader {
  /** Takes exactly this text. */
  readonly expect: (literal: string) => void;
  readonly string: () => string;
  /** Takes `[item,item,…]`, calling `item` for each. */
  readonly list: <T>(item: () => T) => T[];
  readonly end: () => void;
}

const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' };

/**
 * What stands for itself. Nix never writes a raw newline, return or tab; taking one would give one derivation two texts,
 * and so two paths.
 */
const PLAIN = /[^"\\\n\r\t]*/y;

export function createAtermReader(format: string, text: string): AtermReader {
  let at = 0;

  const refuse = (expected: string): never => {
    throw new ParseError(format, text.slice(at, at + 60), `${expected} (at character ${at})`);
  };
  const expect = (literal: string): void => {
    if (!text.startsWith(literal, at)) refuse(`followed by ${literal}`);
    at += literal.length;
  };

  const string = (): string => {
    expect('"');
    let value = '';
    for (;;) {
      PLAIN.lastIndex = at;
      PLAIN.test(text);
      value += text.slice(at, PLAIN.lastIndex);
      at = PLAIN.lastIndex;
      if (text[at] !== '\\') break;
      value += ESCAPES[text.charAt(at + 1)] ?? refuse('an escape \\n, \\r, \\t, \\" or \\\\');
      at += 2;
    }
    if (at === text.length) refuse('a string that ends');
    if (text[at] !== '"') refuse('a string whose controls are escaped');
    at += 1;
    return value;
  };

  const list = <T>(item: () => T): T[] => {
    expect('[');
    const items: T[] = [];
    while (text[at] !== ']') {
      if (items.length > 0) expect(',');
      items.push(item());
    }
    at += 1;
    return items;
  };

  const end = (): void => {
    if (at < text.length) refuse('the end');
  };

  return { expect, string, list, end };
}

export function formatAtermString(value: string): string {
  return `"${value.replace(/["\\\n\r\t]/g, (character) => ESCAPED[character] ?? character)}"`;
}

const ESCAPED: Record<string, string> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

export function formatAtermStrings(values: readonly string[]): string {
  return formatAtermList(values.map(formatAtermString));
}

export function formatAtermTuple(fields: readonly string[]): string {
  return `(${fields.map(formatAtermString).join(',')})`;
}

export function formatAtermList(terms: readonly string[]): string {
  return `[${terms.join(',')}]`;
}
