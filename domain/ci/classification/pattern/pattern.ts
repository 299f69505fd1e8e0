/** A pattern ready to use: what to look for in the stream, and how to match one cleaned line. */

import type { Pattern } from '../rule.ts';
import type { Captures } from './fragment.ts';
import { fragmentTexts, matchFragment, parseFragment } from './fragment.ts';
import { requiredTexts } from './required-texts.ts';
import { parseShape } from './shape.ts';

export interface CompiledPattern {
  /** At least one of these stands in every line that matches. */
  readonly literals: readonly string[];
  /** And at least one of each of these groups. */
  readonly alsoLiterals: readonly (readonly string[])[];
  /** Whether the pattern looks at the line's beginning, so that prefixes must be gone first. */
  readonly atStart: boolean;
  readonly match: (line: string) => Captures | null;
}

/** Shortest text worth looking for; shorter ones would send most lines to the slow path. */
const SHORTEST_LITERAL = 4;

/** Compiles a pattern. Throws a `SyntaxError` where it guarantees no text of four characters for the prefilter. */
export function compilePattern(pattern: Pattern): CompiledPattern {
  return typeof pattern === 'string' ? compileFragment(pattern) : compileRegex(pattern);
}

function compileFragment(source: string): CompiledPattern {
  const fragment = parseFragment(source);
  const texts = fragmentTexts(fragment).flatMap((text) => text.split(/['"`]/));
  const longest = texts.reduce((best, text) => (text.length > best.length ? text : best), '');
  const { atStart } = fragment;
  return {
    literals: checkLiterals([[longest]], source),
    alsoLiterals: [],
    atStart,
    match: (line) => matchFragment(fragment, line),
  };
}

function compileRegex(regex: RegExp): CompiledPattern {
  if (/[gy]/.test(regex.flags))
    throw new SyntaxError(`/${regex.source}/${regex.flags} keeps state between lines`);
  const groups = requiredTexts(parseShape(regex), SHORTEST_LITERAL);
  return {
    literals: checkLiterals(groups, String(regex)),
    alsoLiterals: groups.slice(1),
    atStart: /(?:^|[^\\[])\^/.test(regex.source),
    match: (line) => {
      const match = regex.exec(line);
      if (match === null) return null;
      const captures: Record<string, string> = {};
      for (const [name, text] of Object.entries(match.groups ?? {}))
        if (text !== undefined) captures[name] = text.trim();
      return captures;
    },
  };
}

function checkLiterals(groups: readonly (readonly string[])[], source: string): readonly string[] {
  const [literals] = groups;
  if (literals?.every((text) => text.length >= SHORTEST_LITERAL) === true) return literals;
  throw new SyntaxError(`${source} guarantees no text of ${SHORTEST_LITERAL} characters`);
}
