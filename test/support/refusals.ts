/** Checks that parsers refuse hostile input with a `ParseError` that quotes it. */
import assert from 'node:assert/strict';
import { ParseError } from '../../domain/parse-error.ts';

/** Asserts that parsing throws a `ParseError` whose message matches and quotes a piece of the input. */
export function assertRefused(parse: (text: string) => unknown, input: string, expected: RegExp): void {
  const error = refusalOf(() => parse(input));
  assert.ok(error, `${JSON.stringify(input.slice(0, 100))} was accepted`);
  assert.match(error.message, expected);
  const quoted = quotedIn(error.message);
  assert.ok(input.includes(quoted), `${error.message} quotes ${quoted}, which is not in the input`);
}

/** Asserts that parsing either gives a value or throws a `ParseError`; anything else is a crash. */
export function assertNeverCrashes(parse: () => unknown): void {
  refusalOf(parse);
}

function refusalOf(parse: () => unknown): ParseError | null {
  try {
    parse();
    return null;
  } catch (error) {
    if (error instanceof ParseError) return error;
    throw error;
  }
}

/** The value quoted by a message `<format>: <JSON> is not <expectation>`, or its uncut start. */
function quotedIn(message: string): string {
  const [, json = ''] = /^[^:]+: (.*) is not /s.exec(message) ?? [];
  const cut = json.indexOf('… (');
  if (cut < 0) return String(JSON.parse(json));
  // A cut may fall within an escape.
  return String(
    JSON.parse(
      `${json
        .slice(0, cut)
        .replace(/\\[^\\"]{0,5}$/, '')
        .replace(/\\$/, '')}"`,
    ),
  );
}
