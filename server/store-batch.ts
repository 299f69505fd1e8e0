/** Storing a batch of an evaluation: the graph is read from the derivations themselves, never from what an evaluator says of them. */

import { insertDerivations, listUnknownDerivations, type NewDerivation } from '../db/derivations.ts';
import { type EvaluationRow, type NewEvaluationError, recordEvaluationErrors } from '../db/evaluations.ts';
import { insertJobs, type NewJob } from '../db/jobs.ts';
import { findUpstreamPaths, listStorePaths } from '../db/store-paths.ts';
import { ConflictError } from './errors.ts';
import { addToOutbox, signalEvaluationMessage } from '../db/outbox.ts';
import { listDerivationFacts } from '../db/derivations.ts';
import type { Batch, EvaluatedJob } from '../domain/api/evaluator.ts';
import { isGpuCheck } from '../domain/ci/pool.ts';
import { formatAttrPath } from '../domain/nix/attr-path.ts';
import {
  computeDerivationPath,
  type Derivation,
  derivationName,
  derivationReferences,
  hasKnownOutputPaths,
  isFixedOutput,
  parseDerivation,
  requiredSystemFeatures,
} from '../domain/nix/derivation.ts';
import { parseStorePath, type StorePath, storePathHash } from '../domain/nix/store-path.ts';
import { ParseError } from '../domain/parse-error.ts';
import { ingestDerivationFiles } from './cache/derivation-files.ts';
import type { ServerDeps } from './deps.ts';

/**
 * Stores derivations, jobs and errors of one batch, and tells the evaluation's workflow. Repeating a batch changes nothing.
 * @throws ParseError where a derivation's text does not belong to its path.
 */
export async function storeBatch(
  deps: ServerDeps,
  evaluation: EvaluationRow,
  batch: Batch,
): Promise<{ jobs: number; errors: number }> {
  // All is read before anything is stored.
  for (const job of batch.jobs) parseStorePath(job.drvPath, deps.storeDir);
  const files = batch.derivations.map(({ path, text }) =>
    checkDerivation(parseStorePath(path, deps.storeDir), text, deps.storeDir),
  );
  const known = new Set(
    await listUnknownDerivations(
      deps.connection.db,
      files.map((file) => storePathHash(file.path)),
    ),
  );
  const fresh = files.filter((file) => known.has(storePathHash(file.path)));
  await requireReferences(deps, fresh);
  const buildable = fresh.filter(({ derivation }) => hasKnownOutputPaths(derivation));
  await ingestDerivationFiles(
    deps.ingestDeps,
    inReferenceOrder(fresh).map(({ path, text, derivation }) => ({
      path,
      text,
      references: derivationReferences(derivation),
    })),
  );
  return deps.connection.transaction(async (tx) => {
    await insertDerivations(tx, buildable.map(newDerivation));
    const facts = new Map(
      (
        await listDerivationFacts(
          tx,
          batch.jobs.map((job) => storePathHash(parseStorePath(job.drvPath, deps.storeDir))),
        )
      ).map((row) => [row.drvHash, row.features]),
    );
    const jobs: NewJob[] = [];
    const errors: NewEvaluationError[] = batch.errors.map(({ attrPath, system, variant, kind, message }) => ({
      name: formatAttrPath(attrPath),
      system,
      variant,
      kind,
      message,
    }));
    for (const job of batch.jobs) {
      const features = facts.get(storePathHash(parseStorePath(job.drvPath, deps.storeDir)));
      if (features === undefined) errors.push(contentAddressedRefusal(job));
      else jobs.push(newJob(job, features));
    }
    await insertJobs(tx, evaluation.evaluationId, jobs);
    await recordEvaluationErrors(tx, evaluation.evaluationId, errors);
    if (jobs.length > 0) await addToOutbox(tx, [signalEvaluationMessage(evaluation, 'batchStored')]);
    return { jobs: jobs.length, errors: errors.length };
  });
}

interface DerivationFile {
  readonly path: StorePath;
  readonly text: string;
  readonly derivation: Derivation;
}

/** A `.drv` path is a hash of its text: one that does not fit was made up, or damaged on its way. */
function checkDerivation(path: StorePath, text: string, storeDir: string): DerivationFile {
  const derivation = parseDerivation(text, derivationName(path), storeDir);
  const computed = computeDerivationPath(derivation, storeDir);
  if (computed !== path)
    throw new ParseError('derivation', path, `the path of the text that came with it, which is ${computed}`);
  return { path, text, derivation };
}

/**
 * A derivation whose inputs nobody has could never be built, and clients of the cache would ask for them.
 * @throws ConflictError
 */
async function requireReferences(
  { connection: { db } }: ServerDeps,
  files: readonly DerivationFile[],
): Promise<void> {
  const own = new Set(files.map((file) => file.path));
  const referrers = new Map(
    files.flatMap(({ path, derivation }) =>
      derivationReferences(derivation)
        .filter((reference) => !own.has(reference))
        .map((reference): [StorePath, StorePath] => [reference, path]),
    ),
  );
  const hashes = [...referrers.keys()].map(storePathHash);
  const have = new Set([
    ...(await listStorePaths(db, hashes)).map((row) => row.pathHash),
    ...(await findUpstreamPaths(db, hashes)),
  ]);
  for (const [reference, path] of referrers)
    if (!have.has(storePathHash(reference)))
      throw new ConflictError(
        `${path} refers to ${reference}, which the cache does not have yet: send references first`,
      );
}

function inReferenceOrder(files: readonly DerivationFile[]): DerivationFile[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const ordered = new Map<StorePath, DerivationFile>();
  for (const root of files) {
    const stack: { file: DerivationFile; entered: boolean }[] = [{ file: root, entered: false }];
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      if (ordered.has(top.file.path)) continue;
      if (top.entered) {
        ordered.set(top.file.path, top.file);
        continue;
      }
      stack.push({ file: top.file, entered: true });
      for (const input of top.file.derivation.inputDerivations.keys()) {
        const file = byPath.get(input);
        if (file !== undefined) stack.push({ file, entered: false });
      }
    }
  }
  return [...ordered.values()];
}

function newDerivation({ path, derivation }: DerivationFile): NewDerivation {
  return {
    drvHash: storePathHash(path),
    drvPath: path,
    name: derivation.name,
    system: derivation.system,
    fixedOutput: isFixedOutput(derivation),
    features: requiredSystemFeatures(derivation),
    inputs: [...derivation.inputDerivations].map(([input, outputNames]) => ({
      drvHash: storePathHash(input),
      outputNames,
    })),
    outputs: [...derivation.outputs].flatMap(([name, output]) =>
      'path' in output ? [{ name, path: output.path, pathHash: storePathHash(output.path) }] : [],
    ),
  };
}

function newJob(job: EvaluatedJob, features: readonly string[]): NewJob {
  const kind = job.constituents !== undefined ? 'aggregate' : isGpuCheck(features) ? 'gpu-check' : 'build';
  return {
    name: formatAttrPath(job.attrPath),
    attrPath: job.attrPath,
    system: job.system,
    variant: job.variant,
    drvHash: storePathHash(parseStorePath(job.drvPath)),
    nixName: job.nixName,
    kind,
    meta: job.meta,
    timeoutSeconds: seconds(job.meta['timeout']),
    silentTimeoutSeconds: seconds(job.meta['maxSilent']),
    constituents: job.constituents ?? [],
  };
}

function seconds(value: unknown): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : null;
}

function contentAddressedRefusal({ attrPath, system, variant, drvPath }: EvaluatedJob): NewEvaluationError {
  return {
    name: formatAttrPath(attrPath),
    system,
    variant,
    kind: 'refused',
    message: `${drvPath} is content-addressed, or depends on a derivation that is: nixwarp does not build those yet`,
  };
}
