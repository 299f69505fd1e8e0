/** The server's API as commands use it. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  Builder,
  Evaluation,
  Jobset,
  Progress,
  Status,
  Step,
  Trigger,
} from '../domain/api/resources.ts';
import type { RunDocument, RunJob, StartRun } from '../domain/api/runs.ts';
import type { CliConfig } from './config.ts';
import { CommandFailure, EXIT } from './exit.ts';
import { followEvents } from './log-events.ts';
import { findRunningInstance } from './up/lock.ts';

export interface ApiClient {
  readonly url: string;
  status(): Promise<Status>;
  startRun(run: StartRun): Promise<{ evaluationId: number; url: string }>;
  document(evaluationId: number): Promise<RunDocument>;
  progress(evaluationId: number, cursor: string): Promise<Progress>;
  evaluation(evaluationId: number): Promise<Evaluation>;
  evaluations(options: { readonly open?: boolean; readonly limit: number }): Promise<Evaluation[]>;
  jobs(evaluationId: number, search: string): Promise<RunJob[]>;
  job(jobId: number): Promise<{ evaluationId: number; job: RunJob; steps: Step[] }>;
  jobsets(): Promise<Jobset[]>;
  saveJobset(run: StartRun): Promise<Jobset>;
  trigger(jobsetId: number, force: boolean): Promise<Trigger>;
  findTrigger(triggerId: number): Promise<Trigger>;
  builders(): Promise<Builder[]>;
  cancel(evaluationId: number): Promise<{ ended: number; stopping: number }>;
  retryEvaluation(evaluationId: number, dependents: boolean): Promise<{ steps: number }>;
  retryJob(jobId: number, dependents: boolean): Promise<{ steps: number }>;
  setBuilder(name: string, action: 'drain' | 'activate', reason?: string): Promise<void>;
  /** The log of an attempt from a byte on; `undefined` where there is none yet. */
  log(attemptId: number, from: number): Promise<string | undefined>;
  /** Server-sent events of a log; ends with the log. */
  followLog(attemptId: number, onText: (text: string) => void): Promise<void>;
  /** Anything else below `/api/v1`. */
  ask<T>(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object): Promise<T>;
}

const STATUS_TIMEOUT_MS = 3_000;

/** The server that answers, `undefined` when none does: the one configured, else the one that runs on this state folder. */
export async function findServer(config: CliConfig): Promise<ApiClient | undefined> {
  const running = await findRunningInstance(join(config.stateDir, 'run')).catch(() => undefined);
  const token =
    config.token ??
    (await readFile(join(config.stateDir, 'keys', 'admin-token'), 'utf8').catch(() => '')).trim();
  for (const url of new Set([config.url, ...(running === undefined ? [] : [running.url])])) {
    if (await isNixwarp(url)) return createApiClient(url, token);
  }
  return undefined;
}

/** @throws CommandFailure where no server answers. */
export async function requireServer(config: CliConfig): Promise<ApiClient> {
  const client = await findServer(config);
  if (client !== undefined) return client;
  throw new CommandFailure(
    EXIT.infrastructure,
    `no nixwarp server answers at ${config.url}: start one with "nixwarp up", or set NIXWARP_URL`,
  );
}

async function isNixwarp(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/api/v1/status`, { signal: AbortSignal.timeout(STATUS_TIMEOUT_MS) });
    return response.ok && ((await response.json()) as { name?: string }).name === 'nixwarp';
  } catch {
    return false;
  }
}

export function createApiClient(url: string, token: string): ApiClient {
  async function call(method: string, path: string, body?: unknown): Promise<Response> {
    const headers: Record<string, string> = { authorization: `Bearer ${token}` };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
    const response = await fetch(`${url}/api/v1${path}`, init).catch((error: unknown) => {
      const cause =
        error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      throw new CommandFailure(EXIT.infrastructure, `${url} does not answer: ${cause}`);
    });
    if (response.ok) return response;
    const text = await response.text();
    const detail = detailOf(text) ?? `status ${response.status}`;
    throw new CommandFailure(response.status >= 500 ? EXIT.infrastructure : EXIT.usage, detail);
  }
  const get = async <T>(path: string): Promise<T> => (await (await call('GET', path)).json()) as T;
  const post = async <T>(path: string, body?: unknown): Promise<T> =>
    (await (await call('POST', path, body)).json()) as T;

  return {
    url,
    status: () => get('/status'),
    startRun: (run) => post('/runs', run),
    document: (id) => get(`/evaluations/${id}/document`),
    progress: (id, cursor) => get(`/evaluations/${id}/progress?cursor=${encodeURIComponent(cursor)}`),
    evaluation: (id) => get(`/evaluations/${id}`),
    evaluations: async ({ open, limit }) =>
      (
        await get<{ items: Evaluation[] }>(
          `/evaluations?limit=${limit}${open === undefined ? '' : `&open=${open}`}`,
        )
      ).items,
    jobs: async (id, search) =>
      (
        await get<{ items: RunJob[] }>(
          `/evaluations/${id}/jobs?limit=1000&search=${encodeURIComponent(search)}`,
        )
      ).items,
    job: (id) => get(`/jobs/${id}`),
    jobsets: () => get('/jobsets'),
    saveJobset: async (run) => (await (await call('PUT', '/jobsets', run)).json()) as Jobset,
    trigger: (id, force) => post(`/jobsets/${id}/trigger?kind=cli&force=${force}`),
    findTrigger: (id) => get(`/triggers/${id}`),
    builders: () => get('/builders'),
    cancel: (id) => post(`/evaluations/${id}/cancel`),
    retryEvaluation: (id, dependents) => post(`/evaluations/${id}/retry?dependents=${dependents}`),
    retryJob: (id, dependents) => post(`/jobs/${id}/retry?dependents=${dependents}`),
    setBuilder: async (name, action, reason) => {
      await post(
        `/builders/${encodeURIComponent(name)}/${action}${reason === undefined ? '' : `?reason=${encodeURIComponent(reason)}`}`,
      );
    },
    ask: async <T>(method: string, path: string, body?: object) =>
      (await (await call(method, path, body)).json()) as T,
    log: async (id, from) => {
      const response = await fetch(`${url}/api/v1/attempts/${id}/log`, {
        headers: { range: `bytes=${from}-`, authorization: `Bearer ${token}` },
      });
      if (response.status === 404) return undefined;
      if (response.status === 416) return '';
      return response.text();
    },
    followLog: (id, onText) =>
      followEvents(
        (position) =>
          call('GET', `/attempts/${id}/log/events${position === undefined ? '' : `?from=${position}`}`),
        onText,
      ),
  };
}

function detailOf(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { detail?: string }).detail;
  } catch {
    return undefined;
  }
}
