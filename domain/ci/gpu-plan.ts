/** On which architectures a GPU check runs, and on which it cannot and why. */

import {
  type Architecture,
  architectureOf,
  capabilityOf,
  compareCapabilities,
  type ComputeCapability,
  deviceCodeFor,
  isArchitecture,
} from './architecture.ts';

export interface GpuCheckFacts {
  readonly requiredSystemFeatures: readonly string[];
  /** The variant's capabilities; `undefined` where the jobset does not say what the code is compiled for. */
  readonly cudaCapabilities: readonly ComputeCapability[] | undefined;
  readonly cudaForwardCompat: boolean;
  /** Architectures with a GPU that is there now. */
  readonly online: readonly Architecture[];
}

export interface GpuPlan {
  /** One step each. Empty only when no architecture can be named at all: the check waits for any GPU. */
  readonly architectures: readonly Architecture[];
  readonly notScheduled: readonly { readonly architecture: Architecture; readonly reason: string }[];
}

/** Names of `cuda-<name>` features that real fleets use, as NVIDIA names its architectures. */
const NAMED: Readonly<Record<string, readonly string[]>> = {
  maxwell: ['sm_50', 'sm_52', 'sm_53'],
  pascal: ['sm_60', 'sm_61', 'sm_62'],
  volta: ['sm_70', 'sm_72'],
  turing: ['sm_75'],
  ampere: ['sm_80', 'sm_86', 'sm_87', 'sm_88'],
  ada: ['sm_89'],
  hopper: ['sm_90'],
  blackwell: ['sm_100', 'sm_101', 'sm_103', 'sm_110', 'sm_120', 'sm_121'],
};

/**
 * A check runs on every online architecture for which its variant holds code.
 * Where none is online it waits for the architectures that its variant was compiled for, so that the wait can be named.
 */
export function planGpuCheck(facts: GpuCheckFacts): GpuPlan {
  const named = namedArchitectures(facts);
  const notScheduled: { architecture: Architecture; reason: string }[] = [];
  const architectures: Architecture[] = [];
  for (const architecture of sorted(facts.online)) {
    const reason = refusal(architecture, named, facts);
    if (reason === undefined) architectures.push(architecture);
    else notScheduled.push({ architecture, reason });
  }
  if (architectures.length > 0) return { architectures, notScheduled };
  const compiledFor = (facts.cudaCapabilities ?? []).map(architectureOf);
  const wanted = compiledFor.length > 0 ? compiledFor : (named ?? []);
  const possible = wanted.filter((architecture) => named === undefined || named.includes(architecture));
  return { architectures: sorted(possible), notScheduled };
}

function refusal(
  architecture: Architecture,
  named: readonly Architecture[] | undefined,
  facts: GpuCheckFacts,
): string | undefined {
  if (named?.length === 0)
    return `the check asks for ${namingFeatures(facts).join(', ')}, which is no architecture known`;
  if (named !== undefined && !named.includes(architecture)) return `the check asks for ${named.join(' or ')}`;
  const { cudaCapabilities, cudaForwardCompat } = facts;
  if (cudaCapabilities === undefined) return undefined;
  if (deviceCodeFor(cudaCapabilities, cudaForwardCompat, capabilityOf(architecture)) !== 'none')
    return undefined;
  const built = `${cudaCapabilities.join(', ')} ${cudaForwardCompat ? 'with' : 'without'} PTX`;
  return `compiled for ${built}: neither cubin nor PTX for ${architecture}`;
}

function namingFeatures({ requiredSystemFeatures }: GpuCheckFacts): string[] {
  return requiredSystemFeatures.filter((feature) => feature.startsWith('cuda-'));
}

/**
 * Architectures that `cuda-ada` or `cuda-sm_89` ask for; `undefined` when no feature names one.
 * A package writes its features itself: a name that nobody knows is no reason to refuse the evaluation that it is part of.
 */
function namedArchitectures(facts: GpuCheckFacts): Architecture[] | undefined {
  const names = namingFeatures(facts).map((feature) => feature.slice('cuda-'.length));
  if (names.length === 0) return undefined;
  return names.flatMap((name) => NAMED[name] ?? [name]).filter(isArchitecture);
}

function sorted(architectures: readonly Architecture[]): Architecture[] {
  return [...new Set(architectures)].toSorted((a, b) =>
    compareCapabilities(capabilityOf(a), capabilityOf(b)),
  );
}
