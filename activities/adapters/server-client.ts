/** The server as builders and evaluators speak to it. It may be restarting: every call is repeated until it answers. */

import type {
  Announce,
  Announced,
  AttemptEvidence,
  StartAttempt,
  StepAssignment,
} from '../../domain/api/builder.ts';
import type { Batch, EvaluationAssignment } from '../../domain/api/evaluator.ts';
import type { Committed, Declare, Declared } from '../../domain/api/ingest.ts';
import type { JobsetConfig } from '../../domain/ci/jobset-config.ts';

export interface ServerClient {
  announce(announcement: Announce): Promise<Announced>;
  leave(name: string, incarnation: string): Promise<void>;
  /** `undefined`: nobody wants the step any more. */
  startAttempt(start: StartAttempt, signal: AbortSignal): Promise<StepAssignment | undefined>;
  appendLog(
    attemptId: number,
    offset: number,
    bytes: Uint8Array,
    closed: boolean,
    signal: AbortSignal,
  ): Promise<void>;
  sendEvidence(attemptId: number, evidence: AttemptEvidence, signal: AbortSignal): Promise<void>;
  declare(declaration: Declare, signal: AbortSignal): Promise<Declared>;
  /** Sends a NAR. `content` is called again where the connection was lost, and the transfer goes on where it ended. */
  upload(
    publishId: string,
    pathHash: string,
    content: () => AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void>;
  /** Makes a declared closure visible. */
  commit(publishId: string, signal: AbortSignal): Promise<Committed>;
  findEvaluation(evaluationId: number, signal: AbortSignal): Promise<EvaluationAssignment>;
  findJobset(
    jobsetId: number,
    signal: AbortSignal,
  ): Promise<{ config: JobsetConfig; baseFolder: string | null }>;
  listUnknownDerivations(drvPaths: readonly string[], signal: AbortSignal): Promise<string[]>;
  storeBatch(evaluationId: number, batch: Batch, signal: AbortSignal): Promise<void>;
}

type Body = NonNullable<RequestInit['body']>;

export interface ServerClientDeps {
  readonly url: string;
  readonly token: string;
  readonly onWaiting: (message: string) => void;
  /** Of each request, where the server does not answer; endless where none is given. */
  readonly maxTries?: number;
}

/** The server refused: repeating the request would not help. */
export class ServerRefusal extends Error {
  override readonly name = 'ServerRefusal';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;

export function createServerClient(deps: ServerClientDeps): ServerClient {
  const { send, repeat, call, json } = createRequests(deps);

  async function findOffset(place: string, signal: AbortSignal): Promise<number> {
    const response = await send('HEAD', place, undefined, '', signal);
    if (!response.ok && response.status < 500)
      throw new ServerRefusal(response.status, `HEAD ${place}: status ${response.status}`);
    return Number(response.headers.get('upload-offset') ?? 0);
  }

  return {
    announce: (announcement) => json('POST', '/builders/announce', announcement),
    leave: (name, incarnation) => json('POST', '/builders/leave', { name, incarnation }),
    startAttempt: async (start, signal) =>
      (await json<StepAssignment | null>('POST', '/attempts', start, signal)) ?? undefined,
    appendLog: async (id, offset, bytes, closed, signal) => {
      const path = `/attempts/${id}/log?offset=${offset}&closed=${closed}`;
      await call('PUT', path, () => bytes as Body, 'application/octet-stream', signal);
    },
    sendEvidence: (id, evidence, signal) => json('POST', `/attempts/${id}/evidence`, evidence, signal),
    declare: (declaration, signal) => json('POST', '/publish', declaration, signal),
    upload: async (publishId, pathHash, content, signal) => {
      const place = `/publish/${publishId}/${pathHash}`;
      let tries = 0;
      await repeat('PUT', place, signal, async () => {
        const offset = tries++ === 0 ? 0 : await findOffset(place, signal);
        const body = ReadableStream.from(skip(content(), offset)) as Body;
        return send('PUT', `${place}?offset=${offset}`, body, 'application/x-nix-nar', signal);
      });
    },
    commit: (publishId, signal) => json('POST', `/publish/${publishId}/commit`, undefined, signal),
    findEvaluation: (id, signal) => json('GET', `/evaluations/${id}/assignment`, undefined, signal),
    findJobset: (id, signal) => json('GET', `/jobsets/${id}/assignment`, undefined, signal),
    listUnknownDerivations: async (drvPaths, signal) => {
      if (drvPaths.length === 0) return [];
      return (await json<{ drvPaths: string[] }>('POST', '/derivations/unknown', { drvPaths }, signal))
        .drvPaths;
    },
    storeBatch: async (id, batch, signal) => {
      await json('POST', `/evaluations/${id}/batches`, batch, signal);
    },
  };
}

/** Requests that are repeated until they are answered. */
function createRequests({ url, token, onWaiting, maxTries = Number.POSITIVE_INFINITY }: ServerClientDeps) {
  const authorization = `Bearer ${token}`;

  const send = (
    method: string,
    path: string,
    payload: Body | undefined,
    type: string,
    signal?: AbortSignal,
  ): Promise<Response> =>
    fetch(`${url}/api/v1${path}`, {
      method,
      headers: payload === undefined ? { authorization } : { authorization, 'content-type': type },
      ...(payload === undefined ? {} : { body: payload, duplex: 'half' }),
      ...(signal === undefined ? {} : { signal }),
    });

  /** Repeats on a lost connection, 5xx and 429; a 4xx is thrown. The caller's signal ends the waiting. */
  async function repeat(
    method: string,
    path: string,
    signal: AbortSignal | undefined,
    attempt: () => Promise<Response>,
  ): Promise<Response> {
    for (let wait = FIRST_WAIT_MS, tries = 1; ; wait = Math.min(LONGEST_WAIT_MS, wait * 2), tries++) {
      signal?.throwIfAborted();
      let problem: string;
      try {
        const response = await attempt();
        if (response.ok) return response;
        const detail = detailOf(await response.text());
        if (response.status < 500 && response.status !== 429)
          throw new ServerRefusal(response.status, `${method} ${path}: ${detail}`);
        problem = `status ${response.status}: ${detail}`;
      } catch (error) {
        if (error instanceof ServerRefusal || signal?.aborted === true) throw error;
        problem = causeOf(error);
      }
      if (tries >= maxTries) throw new Error(`${method} ${path}: ${problem}`);
      onWaiting(`${method} ${path}: ${problem}, asking again`);
      await pause(wait, signal);
    }
  }

  const call = (
    method: string,
    path: string,
    body: () => Body | undefined,
    type: string,
    signal?: AbortSignal,
  ): Promise<Response> => repeat(method, path, signal, () => send(method, path, body(), type, signal));

  const json = async <T>(method: string, path: string, value?: unknown, signal?: AbortSignal): Promise<T> => {
    const text = value === undefined ? undefined : JSON.stringify(value);
    const response = await call(method, path, () => text, 'application/json', signal);
    return (response.status === 204 ? undefined : await response.json()) as T;
  };

  return { send, repeat, call, json };
}

/** Leaves out the first bytes. */
async function* skip(content: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const chunk of content) {
    if (chunk.byteLength > left) yield chunk.subarray(left);
    left = Math.max(0, left - chunk.byteLength);
  }
}

function detailOf(body: string): string {
  try {
    return (JSON.parse(body) as { detail?: string }).detail ?? body;
  } catch {
    return body;
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      },
      { once: true },
    );
  });
}
