/** Reads fields of JSON that came from outside; whatever has another shape than expected is a `ParseError`. */
import { ParseError } from '../parse-error.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

/** Parses text, with an optional reviver that also sees each number's own text (`context.source`). */
export function parseJson(
  format: string,
  text: string,
  reviver?: (key: string, value: unknown, context?: { source?: string }) => unknown,
): unknown {
  try {
    return JSON.parse(text, reviver);
  } catch {
    // A SyntaxError, or the RangeError of a hostile nesting.
    throw new ParseError(format, text, 'JSON');
  }
}

export function asObject(format: string, value: unknown): JsonObject {
  return isObject(value) ? value : refuse(format, value, 'an object');
}

export function asArray(format: string, value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : refuse(format, value, 'an array');
}

export function asString(format: string, value: unknown): string {
  // A lone surrogate has no UTF-8, so nothing that Nix wrote contains one.
  return typeof value === 'string' && value.isWellFormed() ? value : refuse(format, value, 'a string');
}

export function asStrings(format: string, value: unknown): string[] {
  return asArray(format, value).map((item) => asString(format, item));
}

/** A size or count: a whole number from 0 that JavaScript represents exactly. */
export function asCount(format: string, value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
    ? value
    : refuse(format, value, 'a whole number from 0 to 2^53 - 1');
}

/** A measured amount: any finite number from 0. */
export function asAmount(format: string, value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
    ? value
    : refuse(format, value, 'a number from 0');
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Nix writes what is absent as null or leaves it out, by version. */
export function optional<T>(value: unknown, read: (value: unknown) => T): T | null {
  return value === undefined || value === null ? null : read(value);
}

function refuse(format: string, value: unknown, expected: string): never {
  throw new ParseError(format, quotable(value), expected);
}

function quotable(value: unknown): unknown {
  try {
    JSON.stringify(value);
    return value;
  } catch {
    return 'a value nested too deeply to be quoted';
  }
}
