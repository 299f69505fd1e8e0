/** Requests to the server's API, as its clients make them. */

import type { FastifyInstance } from 'fastify';

export type Token = 'admin' | 'builder' | 'unknown' | undefined;

export interface ApiAnswer<T> {
  readonly status: number;
  readonly body: T;
  readonly headers: Readonly<Record<string, unknown>>;
}

export interface ApiRequest {
  readonly token?: Token;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object travels as JSON, bytes as they are. */
  readonly payload?: object | Buffer;
}

/** `request('POST /jobsets/1/trigger', …)`: the path is below `/api/v1`. */
export async function requestApi<T = Record<string, never>>(
  app: FastifyInstance,
  line: string,
  { token, headers = {}, payload }: ApiRequest = {},
): Promise<ApiAnswer<T>> {
  const [method = '', path = ''] = line.split(' ');
  const response = await app.inject({
    method,
    url: `/api/v1${path}`,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(Buffer.isBuffer(payload) ? { 'content-type': 'application/octet-stream' } : {}),
      ...headers,
    },
    ...(payload === undefined ? {} : { payload }),
  });
  const isJson = /json/.test(String(response.headers['content-type']));
  return {
    status: response.statusCode,
    headers: response.headers,
    body: (isJson ? response.json() : response.body) as T,
  };
}

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
}

/** The problem document of a refused request. @throws Error where it was not refused with one. */
export async function refusalOf(app: FastifyInstance, line: string, request?: ApiRequest): Promise<Problem> {
  const { status, headers, body } = await requestApi<Problem>(app, line, request);
  const type = String(headers['content-type']);
  if (!type.startsWith('application/problem+json') || body.status !== status || body.type !== 'about:blank')
    throw new Error(`${line}: ${status} ${type} ${JSON.stringify(body)}`);
  return body;
}
