/** Who may ask for what: the two tokens of the start, and those that commands made for a view. */

import type { FastifyRequest } from 'fastify';
import { allows, type Grant, type Right, RIGHTS, type ViewName, viewPath } from '../domain/ci/view.ts';
import { ForbiddenError, NotFoundError, UnauthorizedError } from './errors.ts';
import { sameDigest, type TokenBook, tokenDigest, tokenOf } from './tokens.ts';

export type Role = 'admin' | 'builder';

export interface Wanted {
  readonly view: ViewName;
  readonly can: Right;
}

export interface Authority {
  /** The strongest role of the request's token. @throws UnauthorizedError, or ForbiddenError where it is none of those allowed. */
  require(request: FastifyRequest, ...allowed: readonly Role[]): Role;
  /** Whether the request comes with this role; for pages that show more to an administrator. */
  has(request: FastifyRequest, role: Role): boolean;
  /**
   * Who asks for this right in a view; anybody may read what is public, whatever token comes with the request.
   * @throws UnauthorizedError without a token that is one; where it is not enough, NotFoundError for reading (a view that is
   * not one's own does not exist) and ForbiddenError for all else.
   */
  authorize(request: FastifyRequest, wanted: Wanted): Promise<Grant>;
  /** Who gives a command: the administrator, or a token that administers the internal view. @throws as `require`. */
  requireAdministrator(request: FastifyRequest): Promise<Grant>;
}

export interface AuthorityOptions {
  readonly adminToken: string;
  readonly builderToken: string;
  /** Where the administrator's token is to be found, for the message. */
  readonly adminTokenHint: string;
  readonly tokens: Pick<TokenBook, 'find'>;
}

const GRANTS: Readonly<Record<Role, Grant>> = {
  admin: { actor: 'admin', view: 'internal', can: RIGHTS },
  builder: { actor: 'builder', view: 'internal', can: ['read', 'push'] },
};
const ANYBODY: Grant = { actor: 'anybody', view: 'public', can: ['read'] };

export function createAuthority(options: AuthorityOptions): Authority {
  const digests: readonly [Role, Buffer][] = [
    ['admin', tokenDigest(options.adminToken)],
    ['builder', tokenDigest(options.builderToken)],
  ];
  const roleOf = (request: FastifyRequest): Role | undefined => {
    const token = tokenOf(request);
    if (token === undefined) return undefined;
    const given = tokenDigest(token);
    return digests.find(([, known]) => sameDigest(known, given))?.[0];
  };
  const grantOf = async (request: FastifyRequest): Promise<Grant | undefined> => {
    const role = roleOf(request);
    if (role !== undefined) return GRANTS[role];
    const token = tokenOf(request);
    const found = token === undefined ? undefined : await options.tokens.find(token);
    return found === undefined
      ? undefined
      : { actor: `token ${found.id} (${found.name})`, view: found.view, can: found.can };
  };

  const require = (request: FastifyRequest, ...allowed: readonly Role[]): Role => {
    const role = roleOf(request);
    if (role !== undefined && (role === 'admin' || allowed.includes(role))) return role;
    const needs = `${request.method} ${request.url} needs a token of ${allowed.join(' or ')}`;
    if (role !== undefined) throw new ForbiddenError(`${needs}, and the one sent is of ${role}`);
    const why = tokenOf(request) === undefined ? '' : ', and nobody here has the one sent';
    throw new UnauthorizedError(
      `${needs}${why}: send "Authorization: Bearer <token>" (the administrator's is in ${options.adminTokenHint})`,
    );
  };

  return {
    has: (request, role) => roleOf(request) === role,
    require,
    requireAdministrator: async (request) => {
      const grant = roleOf(request) === undefined ? await grantOf(request) : undefined;
      if (grant === undefined) return GRANTS[require(request, 'admin')];
      if (allows(grant, 'internal', 'admin')) return grant;
      throw new ForbiddenError(
        `${request.method} ${request.url} needs a token that administers the internal view, and ${describeGrant(grant)}`,
      );
    },
    authorize: async (request, { view, can }) => {
      const grant = await grantOf(request);
      if (grant !== undefined && allows(grant, view, can)) return grant;
      // What Nix's netrc holds for another view of this host comes along: it is no reason to refuse what everybody gets.
      if (allows(ANYBODY, view, can)) return ANYBODY;
      if (grant === undefined)
        throw new UnauthorizedError(
          `${request.method} ${request.url} needs a token that may ${can} in ${view}, as the password of Basic or as Bearer`,
          'Basic',
        );
      if (can === 'read') throw new NotFoundError(`there is no ${viewPath(view)}`);
      throw new ForbiddenError(
        `${request.method} ${request.url} needs a token that may ${can} in ${view}, and ${describeGrant(grant)}`,
      );
    },
  };
}

function describeGrant({ actor, view, can }: Grant): string {
  return `the one sent, ${actor}, may ${can.join(', ')} in ${view}`;
}
