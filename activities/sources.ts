/** From a jobset's source to something that can be evaluated. */

import { isAbsolute, resolve } from 'node:path';
import { isFlakeSource, type JobsetConfig, type JobsetVariant } from '../domain/ci/jobset-config.ts';
import { parseAttrPath } from '../domain/nix/attr-path.ts';
import type { ResolvedSource } from '../workflows/activity-types.ts';
import { listFlakeOutputs, lockFlake } from './adapters/flake.ts';
import type { GitRepositories } from './adapters/git.ts';
import type { EvaluationRequest } from './evaluator/index.ts';

export interface SourceDeps {
  readonly git: GitRepositories;
  readonly environment: Readonly<Record<string, string>>;
}

export interface JobsetSourceContext {
  readonly config: JobsetConfig;
  readonly baseFolder: string | null;
  /** Decided when the evaluation was triggered; `null` decides now. */
  readonly lockedSource: string | null;
  readonly revision: string | null;
}

export type Root = EvaluationRequest['root'];

export interface EvaluatedSource {
  readonly root: Root;
  readonly revision: string | null;
  readonly lockedSource: string | null;
  readonly dirty: boolean;
}

/** What a trigger would evaluate now: asked before an evaluation is opened, to see whether anything changed. */
export async function resolveSource(deps: SourceDeps, context: JobsetSourceContext): Promise<ResolvedSource> {
  try {
    const { revision, lockedSource, dirty } = await findSource(deps, {
      ...context,
      lockedSource: null,
      revision: null,
    });
    return { kind: 'resolved', revision, lockedSource, dirty };
  } catch (error) {
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

/** @throws Error that names the source where it cannot be had. */
export async function findSource(deps: SourceDeps, context: JobsetSourceContext): Promise<EvaluatedSource> {
  const { source } = context.config;
  if (isFlakeSource(source)) return findFlake(deps, context, source.flake);
  const { args, argStrings } = source;
  if (source.git !== undefined) {
    const revision = context.revision ?? (await deps.git.resolve(source.git.url, source.git.ref));
    const tree = await deps.git.checkOut(source.git.url, revision);
    const path = resolve(tree, source.file);
    return {
      root: { kind: 'file', path, args, argStrings },
      revision,
      lockedSource: source.git.url,
      dirty: false,
    };
  }
  if (!isAbsolute(source.file) && context.baseFolder === null)
    throw new Error(
      `the file "${source.file}" is relative, and the jobset was sent without the folder that it is in`,
    );
  const path = resolve(context.baseFolder ?? '/', source.file);
  const described = await deps.git.describeFolder(context.baseFolder ?? resolve(path, '..'));
  return {
    root: { kind: 'file', path, args, argStrings },
    revision: described?.revision ?? null,
    lockedSource: null,
    // Outside a repository nothing tells whether it changed.
    dirty: described?.dirty ?? true,
  };
}

async function findFlake(
  { environment }: SourceDeps,
  context: JobsetSourceContext,
  reference: string,
): Promise<EvaluatedSource> {
  if (context.lockedSource !== null)
    return {
      root: { kind: 'flake', url: context.lockedSource },
      revision: context.revision,
      lockedSource: context.lockedSource,
      dirty: false,
    };
  const { url, revision, dirty } = await lockFlake(
    absoluteReference(reference, context.baseFolder),
    environment,
  );
  return { root: { kind: 'flake', url }, revision, lockedSource: url, dirty };
}

/** `.` and `./x` are relative to where the jobset comes from, not to where the evaluator runs. */
function absoluteReference(reference: string, baseFolder: string | null): string {
  if (!/^\.{1,2}(\/|$|\?)/.test(reference)) return reference;
  if (baseFolder === null)
    throw new Error(
      `the flake reference "${reference}" is relative, and the jobset was sent without a folder`,
    );
  return resolve(baseFolder, reference);
}

/** Where in the source jobs are sought, and what is left out of their names. */
export async function findPlaces(
  { environment }: SourceDeps,
  root: Root,
  config: JobsetConfig,
  system: string,
  variant: JobsetVariant | null,
): Promise<Pick<EvaluationRequest, 'below' | 'stripPrefix'>> {
  const attr = config.attr === undefined ? undefined : parseAttrPath(config.attr);
  if (root.kind === 'file') return { below: [attr ?? []], stripPrefix: [] };
  const outputs = await listFlakeOutputs(root.url, environment);
  if (attr !== undefined) {
    // As `nix build` seeks an attribute: as it stands, else where packages usually are.
    if (attr[0] !== undefined && outputs.includes(attr[0])) return { below: [attr], stripPrefix: [] };
    return {
      below: [
        ['hydraJobs', ...attr],
        ['checks', system, ...attr],
        ['packages', system, ...attr],
      ],
      stripPrefix: ['hydraJobs'],
    };
  }
  if (variant !== null)
    return { below: [['hydraJobs', variant.name]], stripPrefix: ['hydraJobs', variant.name] };
  if (outputs.includes('hydraJobs')) return { below: [['hydraJobs']], stripPrefix: ['hydraJobs'] };
  return {
    below: [
      ['checks', system],
      ['packages', system],
    ],
    stripPrefix: [],
  };
}
