/** From needed derivations to the steps that realise them: kinds, pools, heights and limits. */

import { type StepSpec, stepKey } from '../db/planning.ts';
import type { StepLimits } from '../db/schema/graph.ts';
import type { Architecture } from '../domain/ci/architecture.ts';
import { type GpuPlan, planGpuCheck } from '../domain/ci/gpu-plan.ts';
import type { JobsetConfig, JobsetVariant } from '../domain/ci/jobset-config.ts';
import { parseComputeCapability } from '../domain/ci/architecture.ts';
import { ANY_GPU_POOL, buildPool, gpuPool, isGpuCheck } from '../domain/ci/pool.ts';
import type { NeededDerivation } from './needed.ts';

export interface SpecContext {
  readonly config: JobsetConfig;
  /** Builds `builtin` derivations, which any system can. */
  readonly defaultSystem: string;
  readonly online: readonly Architecture[];
}

/** Steps by derivation: one for a build, one an architecture for a GPU check. */
export interface SpecifiedSteps {
  /** Inputs first. */
  readonly specs: readonly StepSpec[];
  readonly keysOf: ReadonlyMap<string, readonly string[]>;
  readonly gpuPlans: ReadonlyMap<string, GpuPlan>;
}

/** What the jobs of a derivation say of it; a derivation that is only an input has none of it. */
export interface JobFacts {
  /** What the code of a GPU check was compiled for. */
  readonly variant: JobsetVariant | undefined;
  readonly timeoutSeconds: number | null;
  readonly silentTimeoutSeconds: number | null;
}

/** The steps for `needed`; `factsOf` is by drv hash. */
export function specifySteps(
  needed: ReadonlyMap<string, NeededDerivation>,
  factsOf: ReadonlyMap<string, JobFacts>,
  context: SpecContext,
): SpecifiedSteps {
  const heights = heightsOf(needed);
  const keysOf = new Map<string, string[]>();
  const gpuPlans = new Map<string, GpuPlan>();
  const specs: StepSpec[] = [];
  for (const derivation of needed.values()) {
    const common = {
      drvHash: derivation.drvHash,
      scope: 0,
      height: heights.get(derivation.drvHash) ?? 0,
      limits: limitsOf(factsOf.get(derivation.drvHash), context.config),
      inputKeys: derivation.neededInputs.flatMap((hash) => keysOf.get(hash) ?? []),
      inputStepIds: [],
    };
    const plan = isGpuCheck(derivation.features)
      ? planCheck(derivation, factsOf.get(derivation.drvHash)?.variant, context)
      : undefined;
    if (plan !== undefined) gpuPlans.set(derivation.drvHash, plan);
    const ofDerivation =
      plan === undefined ? [buildSpec(derivation, common, context)] : gpuSpecs(plan, common);
    keysOf.set(
      derivation.drvHash,
      ofDerivation.map((spec) => spec.key),
    );
    specs.push(...ofDerivation);
  }
  return { specs, keysOf, gpuPlans };
}

type Common = Omit<StepSpec, 'key' | 'kind' | 'architecture' | 'pool'>;

function buildSpec(derivation: NeededDerivation, common: Common, { defaultSystem }: SpecContext): StepSpec {
  const system = derivation.system === 'builtin' ? defaultSystem : derivation.system;
  const key = stepKey('build', derivation.drvHash, null, 0);
  return { ...common, key, kind: 'build', architecture: null, pool: buildPool(system, derivation.features) };
}

function gpuSpecs(plan: GpuPlan, common: Common): StepSpec[] {
  const architectures = plan.architectures.length === 0 ? [null] : plan.architectures;
  return architectures.map((architecture) => ({
    ...common,
    key: stepKey('gpu-test', common.drvHash, architecture, 0),
    kind: 'gpu-test',
    architecture,
    pool: architecture === null ? ANY_GPU_POOL : gpuPool(architecture),
  }));
}

function planCheck(
  derivation: NeededDerivation,
  variant: JobsetVariant | undefined,
  { online }: SpecContext,
): GpuPlan {
  return planGpuCheck({
    requiredSystemFeatures: derivation.features,
    cudaCapabilities: variant?.cudaCapabilities?.map(parseComputeCapability),
    cudaForwardCompat: variant?.cudaForwardCompat ?? true,
    online,
  });
}

/** Limits of a step: the package's own word, else the jobset's. */
export function limitsOf(facts: JobFacts | undefined, { limits }: JobsetConfig): StepLimits {
  return {
    timeoutSeconds: facts?.timeoutSeconds ?? limits.timeoutSeconds,
    silentTimeoutSeconds: facts?.silentTimeoutSeconds ?? limits.silentTimeoutSeconds,
    logBytes: limits.logBytes,
    outputBytes: limits.outputBytes,
  };
}

/** Longest way up to a derivation that nothing needs: the critical path is served first. */
function heightsOf(needed: ReadonlyMap<string, NeededDerivation>): Map<string, number> {
  const heights = new Map<string, number>();
  for (const derivation of [...needed.values()].toReversed()) {
    const own = heights.get(derivation.drvHash) ?? 0;
    for (const input of derivation.neededInputs)
      heights.set(input, Math.max(heights.get(input) ?? 0, own + 1));
  }
  return heights;
}
