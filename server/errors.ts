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
}

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
  404: 'Not Found',
  409: 'Conflict',
  413: 'Content Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Content',
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
        : error.message;
    if (status === 401) void reply.header('www-authenticate', 'Bearer realm="nixwarp"');
    return sendProblem(request, reply, status, detail);
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(request, reply, 404, `${request.method} ${request.url} does not exist`),
  );
}

function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  detail: string,
): FastifyReply {
  const title = TITLES[status] ?? (status >= 500 ? 'Internal Server Error' : 'Error');
  const problem: Problem = { type: 'about:blank', title, status, detail, instance: request.url };
  return reply.code(status).type('application/problem+json').send(JSON.stringify(problem));
}

function statusOf(error: FastifyError | Error): number {
  if (error instanceof ParseError) return 422;
  if (error instanceof NotFoundError) return 404;
  if (error instanceof ConflictError) return 409;
  if (error instanceof UnauthorizedError) return 401;
  if ('code' in error && error.code === 'ENOSPC') return 507;
  if ('validation' in error && error.validation !== undefined) return 400;
  return ('statusCode' in error ? error.statusCode : undefined) ?? 500;
}
