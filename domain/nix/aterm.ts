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
    let start = at;
    for (; ; at++) {
      const character = text[at];
      if (character === '"') break;
      if (character === undefined) refuse('a string that ends');
      // Nix never writes these raw; taking them would give one derivation two texts, and so two paths.
      if (character === '\n' || character === '\r' || character === '\t')
        refuse('a string whose controls are escaped');
      if (character !== '\\') continue;
      const escaped = ESCAPES[text.charAt(at + 1)] ?? refuse('an escape \\n, \\r, \\t, \\" or \\\\');
      value += text.slice(start, at) + escaped;
      at += 1;
      start = at + 1;
    }
    value += text.slice(start, at);
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
