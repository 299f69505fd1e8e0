/** Sending outputs to the server: their runtime closure, less what it has. */

import type { AttemptEvidence, StepAssignment } from '../domain/api/builder.ts';
import type { Claim } from '../domain/api/ingest.ts';
import { formatContentAddress } from '../domain/nix/content-address.ts';
import { formatHash } from '../domain/nix/hash.ts';
import { parseBuildProducts, parseMetrics } from '../domain/nix/nix-support.ts';
import type { PathInfo } from '../domain/nix/path-info.ts';
import { storePathHash, storePathName } from '../domain/nix/store-path.ts';
import type { StoreQueries } from './adapters/store-queries.ts';
import { ServerRefusal, type ServerClient } from './adapters/server-client.ts';
import { dumpPath, existsInOutput, readOutputFile } from './adapters/store-files.ts';

export interface SendDeps {
  readonly store: StoreQueries;
  readonly server: ServerClient;
  /** Hash parts of paths that the server was seen to have: most of a closure is always the same. */
  readonly knownToServer: Set<string>;
}

export interface OutputFacts {
  /** NAR sizes of the outputs alone. */
  readonly outputBytes: number;
  /** The outputs and all that they refer to, references first. */
  readonly closure: readonly PathInfo[];
  /** An output says itself that it failed. */
  readonly failed: boolean;
  readonly evidence: AttemptEvidence;
}

/** Reads what the outputs of a finished build are and say (`nix-support`; reference: hydra.md §6). */
export async function inspectOutputs(
  { store }: Pick<SendDeps, 'store'>,
  assignment: StepAssignment,
): Promise<OutputFacts> {
  const paths = assignment.outputs.map((output) => output.path);
  const closure = await store.closureInfo(paths);
  const own = new Set(paths);
  const outputBytes = closure
    .filter((info) => own.has(info.path))
    .reduce((sum, info) => sum + info.narSize, 0);
  const products: NonNullable<AttemptEvidence['products']> = [];
  const metrics: NonNullable<AttemptEvidence['metrics']> = [];
  let failed = false;
  for (const path of paths) {
    failed ||= await existsInOutput(path, 'nix-support/failed');
    const productText = await readOutputFile(path, 'nix-support/hydra-build-products');
    if (productText !== undefined)
      for (const product of parseBuildProducts(productText).value)
        products.push({ ...product, defaultPath: product.defaultPath || null });
    const metricText = await readOutputFile(path, 'nix-support/hydra-metrics');
    if (metricText !== undefined)
      for (const metric of parseMetrics(metricText).value)
        metrics.push({ ...metric, unit: metric.unit || null });
  }
  return { outputBytes, closure, failed, evidence: { products, metrics } };
}

/** A request costs about as much as these bytes. */
const INLINE_BYTES = 64 * 1024;

/** How often a closure is declared again: what the server knew of it may have expired, or been collected. */
const DECLARATIONS = 3;
/** One alone rarely fills the line, and the server computes on several cores. */
const PARALLEL_UPLOADS = 4;

/** Of uploads, for people. */
export interface SendProgress {
  declared(missing: readonly PathInfo[]): void;
  sent(info: PathInfo): void;
}

/**
 * Sends what the server lacks of a closure; it becomes visible there all at once.
 * Returns paths that it has with other bytes: those stay as they are.
 */
export async function sendClosure(
  { server, knownToServer }: Omit<SendDeps, 'store'>,
  attemptId: number | null,
  closure: readonly PathInfo[],
  signal: AbortSignal,
  progress?: SendProgress,
): Promise<readonly string[]> {
  const byHash = new Map(closure.map((info) => [storePathHash(info.path), info]));
  for (let tries = 1; ; tries++) {
    const unknown = closure.filter((info) => !knownToServer.has(storePathHash(info.path)));
    if (unknown.length === 0) return [];
    const claims = unknown.map(claimOf);
    try {
      const declared = await server.declare({ attemptId, claims, inline: await readSmall(unknown) }, signal);
      const missing = declared.missing.flatMap(({ pathHash }) => byHash.get(pathHash) ?? []);
      progress?.declared(missing);
      await uploadAll(server, declared.publishId, missing, signal, progress);
      const differing = declared.committed ? [] : (await server.commit(declared.publishId, signal)).differing;
      for (const hash of byHash.keys()) knownToServer.add(hash);
      return [...declared.differing, ...differing];
    } catch (error) {
      const isForgotten = error instanceof ServerRefusal && (error.status === 404 || error.status === 409);
      if (!isForgotten || tries >= DECLARATIONS) throw error;
      // What was there may be gone by now: everything is declared.
      knownToServer.clear();
    }
  }
}

async function uploadAll(
  server: ServerClient,
  publishId: string,
  missing: readonly PathInfo[],
  signal: AbortSignal,
  progress: SendProgress | undefined,
): Promise<void> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const waiting = [...missing];
  const lane = async (): Promise<void> => {
    for (let info = waiting.shift(); info !== undefined; info = waiting.shift()) {
      const { path } = info;
      await server.upload(publishId, storePathHash(path), () => dumpPath(path), either);
      progress?.sent(info);
    }
  };
  const lanes = Array.from({ length: PARALLEL_UPLOADS }, lane);
  try {
    await Promise.all(lanes);
  } catch (error) {
    // The others stop before this is told: nothing is to be sent behind the caller's back.
    failed.abort();
    await Promise.allSettled(lanes);
    throw error;
  }
}

/** NARs of paths that are small, together and each: sent with the claims. */
async function readSmall(infos: readonly PathInfo[]): Promise<Record<string, string>> {
  if (infos.reduce((sum, info) => sum + info.narSize, 0) > INLINE_BYTES) return {};
  const nars: Record<string, string> = {};
  for (const { path } of infos)
    nars[storePathHash(path)] = Buffer.concat(await Array.fromAsync(dumpPath(path))).toString('base64');
  return nars;
}

function claimOf({ path, narHash, narSize, references, deriver, ca, signatures }: PathInfo): Claim {
  return {
    path,
    narHash: formatHash(narHash),
    narSize,
    references: [...references],
    deriver: deriver !== null && storePathName(deriver).endsWith('.drv') ? deriver : null,
    ca: ca === null ? null : formatContentAddress(ca),
    signatures: [...signatures],
  };
}
