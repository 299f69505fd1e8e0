/** The one error for input that is not what it should be: ours, an operator's or a stranger's. */

/** Longest piece of an offending value that a message quotes; the rest is cut, so that a hostile input cannot flood a log. */
const QUOTED_CHARACTERS = 200;

/**
 * Thrown by every `parseX`. The message says what was being read, quotes the offending value and says what was expected.
 * Its class name is wire format across Temporal: a `ParseError` is never retried.
 */
export class ParseError extends Error {
  override readonly name = 'ParseError';
  readonly format: string;

  constructor(format: string, value: unknown, expected: string) {
    super(`${format}: ${quote(value)} is not ${expected}`);
    this.format = format;
  }
}

/** A value as it may stand in a message: JSON-escaped (no control characters reach a terminal) and at most 200 characters long. */
export function quote(value: unknown): string {
  const text =
    JSON.stringify(typeof value === 'string' || value === undefined ? (value ?? 'nothing') : value) ??
    typeof value;
  const safe = text.replace(
    /[\u007f-\u009f\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return safe.length <= QUOTED_CHARACTERS
    ? safe
    : `${safe.slice(0, QUOTED_CHARACTERS)}… (${safe.length} characters)`;
}
