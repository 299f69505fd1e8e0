/** What other attempts say: the canary, other hosts, other architectures, earlier tries (reference/cuda.md §4.3). */

import type { Evidence } from './evidence.ts';
import type { Finding } from './finding.ts';
import type { FailureClass, Meaning } from './taxonomy.ts';

/** Classes that only a GPU can show; the canary and other architectures say nothing of the rest. */
const GPU_CLASSES: readonly FailureClass[] = [
  'runtime-load',
  'driver-mismatch',
  'gpu-lib-init',
  'arch-specific',
  'gpu-code',
  'gpu-oom',
  'rocm',
  'collective',
];

/** Classes that the package alone decides: another attempt of the same derivation cannot end otherwise. */
const MOVED_BY_RUNS: readonly FailureClass[] = [...GPU_CLASSES, 'build-test', 'insufficient-evidence'];

/** The finding in the light of other attempts; without any it is returned as it is. */
export function weighContext(evidence: Evidence, finding: Finding): Finding {
  return [byDriver, byArchitectures, byCanary].reduce((meaning, weigh) => weigh(evidence, meaning), finding);
}

/** The same derivation succeeded before or beside: exact proof of a flake, because derivations are content. */
export function isSuspectedFlake(evidence: Evidence, finding: Finding): boolean {
  const hasPassed =
    evidence.earlier?.some(({ outcome }) => outcome === 'built' || outcome === 'substituted') === true;
  return hasPassed && MOVED_BY_RUNS.includes(finding.meaning.class);
}

function byCanary(evidence: Evidence, finding: Finding): Finding {
  const canary = evidence.host?.canary;
  const { meaning } = finding;
  if (canary === undefined || canary === 'not-run' || !GPU_CLASSES.includes(meaning.class)) return finding;
  if (canary === 'failed') {
    const subclass =
      meaning.subclass === 'libcuda-missing-runpath' ? 'libcuda-missing-driver' : meaning.subclass;
    return change(finding, {
      subclass,
      scope: 'host',
      retry: 'other',
      confidence: Math.min(meaning.confidence, 0.9),
      explanation:
        'The known good check fails on this GPU too: quarantine the host and repeat the check elsewhere.',
    });
  }
  if (meaning.subclass === 'libcuda-missing-runpath') return change(finding, { confidence: 0.95 });
  if (meaning.scope !== 'host' || meaning.class === 'collective') return finding;
  return change(finding, { confidence: meaning.confidence * 0.8 });
}

/**
 * Error 35 claims that the driver is too old. Where the driver is known to be new enough, libcuda was not loaded at all
 * (§5.5, libcuda-disguised).
 */
function byDriver(evidence: Evidence, finding: Finding): Finding {
  const driver = evidence.host?.driverCuda;
  if (finding.meaning.subclass !== 'driver-insufficient' || driver === undefined) return finding;
  const toolkit = evidence.toolkitCuda;
  if (toolkit === undefined) return finding;
  if (compareVersions(driver, toolkit) < 0) return change(finding, { confidence: 0.95 });
  return change(finding, {
    class: 'runtime-load',
    subclass: 'libcuda-not-found-reported-as-driver',
    scope: 'code',
    retry: 'no',
    confidence: 0.9,
    explanation:
      'The driver is new enough, so libcuda.so.1 was not found: check the runpath (autoAddDriverRunpath).',
  });
}

/** Compares dotted numbers, part by part. */
function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function byArchitectures(evidence: Evidence, finding: Finding): Finding {
  const results = evidence.otherArchitectures ?? [];
  const { meaning } = finding;
  if (results.length === 0 || ![...GPU_CLASSES, 'build-test'].includes(meaning.class)) return finding;
  const here = results.filter(({ architecture }) => architecture === evidence.architecture);
  const elsewhere = results.filter(({ architecture }) => architecture !== evidence.architecture);
  const passes = (list: typeof results): boolean => list.some(({ outcome }) => outcome === 'passed');
  if (passes(here)) return change(finding, { scope: 'host', retry: 'other', explanation: BY_RUNS.host });
  if (elsewhere.length === 0) return finding;
  if (!passes(elsewhere)) {
    const isDriverFault = meaning.class === 'driver-mismatch' || meaning.scope === 'host';
    return isDriverFault
      ? finding
      : change(finding, { scope: 'code', retry: 'no', explanation: BY_RUNS.code });
  }
  if (meaning.class === 'arch-specific')
    return change(finding, { confidence: Math.max(meaning.confidence, 0.97) });
  if (here.length > 0 || evidence.host?.canary === 'passed') {
    return change(finding, { scope: 'architecture', retry: 'no', explanation: BY_RUNS.architecture });
  }
  return finding;
}

const BY_RUNS = {
  host: 'Another host of this architecture passes: suspect this host, and repeat the check on the other.',
  code: 'Every architecture fails alike: the package is at fault, not this GPU.',
  architecture: 'Only this architecture fails: check which cubins and PTX the package holds for it.',
} as const;

/** Changes a meaning; a new explanation is put behind the old one, which names the fault itself. */
function change(finding: Finding, changes: Partial<Meaning>): Finding {
  const { meaning } = finding;
  const explanation =
    changes.explanation === undefined ? meaning.explanation : `${meaning.explanation} ${changes.explanation}`;
  return { ...finding, meaning: { ...meaning, ...changes, explanation } };
}
