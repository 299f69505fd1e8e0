/** Views: parts of the cache, each under its own URL, since Nix takes a refusal for a miss and remembers it for an hour. */

import { ParseError } from '../parse-error.ts';

/** `public` at `/`, `internal` at `/internal`, `staging/<name>` at `/staging/<name>`. */
export type ViewName = 'public' | 'internal' | `staging/${string}`;

export const STAGING_NAME_PATTERN = '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$';

/** @throws ParseError */
export function parseViewName(text: string): ViewName {
  if (text === 'public' || text === 'internal') return text;
  const name = text.startsWith('staging/') ? text.slice('staging/'.length) : undefined;
  if (name === undefined || !new RegExp(STAGING_NAME_PATTERN).test(name))
    throw new ParseError(
      'view',
      text,
      '"public", "internal" or "staging/<name>" with letters, digits, "_" and "-"',
    );
  return `staging/${name}`;
}

/** What a token of a view may do there. */
export const RIGHTS = ['read', 'push', 'admin'] as const;
export type Right = (typeof RIGHTS)[number];

/** `read,push`. @throws ParseError */
export function parseRights(text: string): readonly Right[] {
  const rights = text.split(',').map((word) => word.trim());
  const wrong = rights.find((right) => !RIGHTS.some((one) => one === right));
  if (wrong !== undefined)
    throw new ParseError('rights', text, 'some of "read", "push" and "admin", with commas between');
  return RIGHTS.filter((right) => rights.includes(right));
}

/** What somebody may do where. */
export interface Grant {
  /** For the audit trail: `admin`, `builder`, `token 7 (laptop)`, `anybody`. */
  readonly actor: string;
  readonly view: ViewName;
  readonly can: readonly Right[];
}

/**
 * Whether a grant covers a right in a view. The internal view holds all of the public one, and its administrators look
 * after everything; a staging view is its own, and shows what is public besides. Who administers may read and push.
 */
export function allows(grant: Grant, view: ViewName, right: Right): boolean {
  const has = grant.can.includes(right) || grant.can.includes('admin');
  if (grant.view === view) return has;
  if (view === 'public' && right === 'read') return true;
  if (grant.view !== 'internal') return false;
  return grant.can.includes('admin') || (view === 'public' && has);
}

/** Where a view is served, without a slash at its end: ``, `/internal`, `/staging/<name>`. */
export function viewPath(view: ViewName): string {
  return view === 'public' ? '' : `/${view}`;
}
