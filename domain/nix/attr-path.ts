/** Attribute paths: lists of names, and their dotted text with the quotes that Nix would put (`printAttributeName`, `src/libexpr`). */
import { ParseError } from '../parse-error.ts';

/** The names from the root inwards; a name may hold anything, a dot too (`python3.12`). */
export type AttrPath = readonly string[];

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_'-]*$/;

/** Words of the language, which Nix quotes when they name an attribute (`or` is none). */
const KEYWORDS: ReadonlySet<string> = new Set('assert else if in inherit let rec then with'.split(' '));

const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t' };

/** Joins names with dots; whatever is no identifier is quoted. The root, an empty list, is the empty text. */
export function formatAttrPath(path: AttrPath): string {
  return path.map(formatAttrName).join('.');
}

function formatAttrName(name: string): string {
  if (IDENTIFIER.test(name) && !KEYWORDS.has(name)) return name;
  const escaped = name
    .replace(/["\\]|\$(?=\{)/g, '\\$&')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t');
  return `"${escaped}"`;
}

/**
 * Parses dotted text. Unquoted names may be more than identifiers, as users type them (`tests.12`, `if`), but hold no
 * dot, quote, backslash, white space, brace or dollar sign.
 */
export function parseAttrPath(text: string): string[] {
  if (text === '') return [];
  const names: string[] = [];
  const component = /"([^"\\]*(?:\\[^][^"\\]*)*)"(?=\.|$)|([^."\\\s{}$]+)(?=\.|$)/y;
  for (let at = 0; at <= text.length; at = component.lastIndex + 1) {
    component.lastIndex = at;
    const [, quoted, plain] = component.exec(text) ?? [];
    const name =
      plain ?? quoted?.replace(/\\([^])/g, (_, character: string) => ESCAPES[character] ?? character);
    if (name === undefined)
      throw new ParseError('attribute path', text, `names joined by dots (at character ${at})`);
    names.push(name);
  }
  return names;
}
