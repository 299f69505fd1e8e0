/** Errors with a place in HTTP, and the one map from errors to problem documents (RFC 9457). */

import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ParseError } from '../domain/parse-error.ts';

export class NotFoundError extends Error {
  override readonly name = 'NotFoundError';
}

/** The request is right, but not now: the state of things is against it. */
export class ConflictError extends Error {
  override readonly name = 'ConflictError';
}

export class UnauthorizedError extends Error {
  override readonly name = 'UnauthorizedError';
  /** How to prove it: Nix and browsers know Basic only. */
  readonly scheme: 'Basic' | 'Bearer';

  constructor(message: string, scheme: 'Basic' | 'Bearer' = 'Bearer') {
    super(message);
    this.scheme = scheme;
  }
}

/** The token is known, and not enough. */
export class ForbiddenError extends Error {
  override readonly name = 'ForbiddenError';
}

/** What is needed is out of reach for now. */
export class UnavailableError extends Error {
  override readonly name = 'UnavailableError';
}

/** After an outage all clients come back: not at once. */
const RETRY_AFTER_SECONDS = 10;

/** The value, where there is one. @throws NotFoundError that names what was sought: `there is no evaluation 7`. */
export function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new NotFoundError(`there is no ${what}`);
  return value;
}

export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
  503: 'Service Unavailable',
  507: 'Insufficient Storage',
};

/** Answers errors as `application/problem+json`. From 500 up only a phrase and the request's id: the rest is for our log. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError, request: FastifyRequest, reply: FastifyReply) => {
    const status = statusOf(error);
    if (status >= 500) request.log.error(error);
    const detail =
      status >= 500 && status !== 507
        ? `The server failed; its log says why under request ${request.id}.`
        : (unstorableValue(error) ?? error.message);
    if (error instanceof UnavailableError) void reply.header('retry-after', RETRY_AFTER_SECONDS);
    if (error instanceof UnauthorizedError)
      void reply.header('www-authenticate', `${error.scheme} realm="nixwarp"`);
    return sendProblem(request, reply, status, detail);
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(request, reply, 404, `${request.method} ${request.url} does not exist`),
  );
}

export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  detail: string,
): FastifyReply {
  const title = TITLES[status] ?? (status >= 500 ? 'Internal Server Error' : 'Error');
  const problem: Problem = { type: 'about:blank', title, status, detail, instance: request.url };
  return reply.code(status).type('application/problem+json').send(JSON.stringify(problem));
}

/** SQLSTATEs of values that came with the request: out of a number's range, or with a zero byte. */
const UNSTORABLE = new Set(['22003', '22021', '22P02', '22P05']);

/** What Postgres says of a value that it cannot hold; `undefined` for any other error. */
function unstorableValue(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const isOfPostgres = 'severity' in error && 'code' in error && UNSTORABLE.has(String(error.code));
  return isOfPostgres ? `a value cannot be stored or sought: ${error.message}` : unstorableValue(error.cause);
}

/** The disk, the quota or the largest size of a file: of our folders, or (SQLSTATE 53100) of Postgres. */
const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', '53100']);

export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && FULL.has(String(error.code))) || isDiskFull(error.cause);
}

function statusOf(error: FastifyError | Error): number {
  if (error instanceof ParseError) return 422;
  if (error instanceof NotFoundError) return 404;
  if (error instanceof ConflictError) return 409;
  if (error instanceof UnauthorizedError) return 401;
  if (error instanceof ForbiddenError) return 403;
  if (error instanceof UnavailableError) return 503;
  if (isDiskFull(error)) return 507;
  if (unstorableValue(error) !== undefined) return 400;
  if ('validation' in error && error.validation !== undefined) return 400;
  return ('statusCode' in error ? error.statusCode : undefined) ?? 500;
}
