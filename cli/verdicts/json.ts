/** JSON that a person wrote or a program exported. */

import { quote } from '../../domain/parse-error.ts';

/** `JSON.parse` whose error says what was read. */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SyntaxError(`${what} is no JSON (${quote(reason).slice(1, -1)})`, { cause: error });
  }
}
