/** Reasons that are known without reading the log: Nix's status, limits, the host, the closure. */

import { XID_MEANINGS } from './codes/xid.ts';
import { SIGNAL_MEANINGS } from './codes/signals.ts';
import type { Evidence, EvidenceOutcome } from './evidence.ts';
import type { Finding } from './finding.ts';
import { WEIGHTS, findingOfFact } from './finding.ts';
import type { Meaning } from './taxonomy.ts';

/** Below this Nix itself suspects the disk (8 MiB, `LocalDerivationGoal`); compilers fail well before it. */
const FULL_BYTES = 64 * 1024 * 1024;

/** Outcome as told, or as the exit status of the Nix command tells it (96 + one bit, reference/hydra.md §5). */
export function outcomeOf(evidence: Evidence): EvidenceOutcome | undefined {
  if (evidence.outcome !== undefined) return evidence.outcome;
  switch (evidence.nixExit) {
    case 0:
      return 'built';
    case 100:
      return 'failed';
    case 101:
      return 'timed-out';
    case 102:
      return 'hash-mismatch';
    case 104:
      return 'not-deterministic';
    default:
      return undefined;
  }
}

/** All findings of the facts, in no order. */
export function findFacts(evidence: Evidence): Finding[] {
  return [statusFact, closureFact, ...HOST_FACTS, exitFact, fetchFact].flatMap(
    (find) => find(evidence) ?? [],
  );
}

type FactRule = (evidence: Evidence) => Finding | Finding[] | undefined;

/** Outcomes that are an answer by themselves. */
const STATUS_MEANINGS: Partial<Record<EvidenceOutcome, Meaning>> = {
  'hash-mismatch': {
    class: 'fetch-failure',
    subclass: 'hash-mismatch',
    scope: 'upstream',
    retry: 'no',
    confidence: 0.99,
    explanation:
      'The download differs from its pinned hash: check what upstream changed, then update the hash.',
  },
  'dependency-failed': {
    class: 'dependency-failed',
    subclass: 'dependency-failed',
    scope: 'dependency',
    retry: 'no',
    confidence: 0.98,
    explanation: 'An input failed to build: look at the root derivation, nothing here is to be repaired.',
  },
  aborted: {
    class: 'infra',
    subclass: 'builder-lost',
    scope: 'infrastructure',
    retry: 'other',
    confidence: 0.8,
    explanation: 'The attempt was broken off by the infrastructure: try another builder and check this one.',
  },
  cancelled: {
    class: 'none',
    subclass: 'cancelled',
    scope: 'unknown',
    retry: 'no',
    confidence: 1,
    explanation: 'The attempt was cancelled, so it says nothing of the package.',
  },
  unsupported: {
    class: 'infra',
    subclass: 'missing-system-feature',
    scope: 'infrastructure',
    retry: 'fix',
    confidence: 0.98,
    explanation:
      'No builder offers the required system and features: add one, or correct requiredSystemFeatures.',
  },
  'log-limit': {
    class: 'build-output',
    subclass: 'log-limit',
    scope: 'code',
    retry: 'no',
    confidence: 0.97,
    explanation: 'The build wrote more log than allowed: make it quieter, or raise the limit for this job.',
  },
  'output-limit': {
    class: 'build-output',
    subclass: 'output-limit',
    scope: 'code',
    retry: 'no',
    confidence: 0.98,
    explanation:
      'An output is larger than allowed: build fewer architectures, split the output, or raise the limit.',
  },
  'not-deterministic': {
    class: 'build-output',
    subclass: 'not-deterministic',
    scope: 'code',
    retry: 'no',
    confidence: 0.97,
    explanation:
      'Two builds of the derivation differ: compare the outputs with diffoscope and remove what varies.',
  },
};

const TIMEOUT_MEANING = {
  class: 'infra',
  scope: 'infrastructure',
  retry: 'no',
  confidence: 0.85,
} as const;

function statusFact(evidence: Evidence): Finding | undefined {
  const outcome = outcomeOf(evidence);
  if (outcome === undefined) return undefined;
  if (outcome === 'timed-out' || outcome === 'silent-timed-out') return timeoutFact(evidence, outcome);
  const meaning = STATUS_MEANINGS[outcome];
  return meaning && findingOfFact(`outcome-${outcome}`, meaning, WEIGHTS.status, `outcome ${outcome}`);
}

function timeoutFact(evidence: Evidence, outcome: 'timed-out' | 'silent-timed-out'): Finding {
  const isSilent = outcome === 'silent-timed-out';
  const seconds = isSilent ? evidence.limits?.silentSeconds : evidence.limits?.timeoutSeconds;
  const meaning: Meaning = {
    ...TIMEOUT_MEANING,
    subclass: isSilent ? 'silent-timeout' : 'build-timeout',
    explanation: isSilent
      ? 'The build printed nothing for too long: look for a hang, then let a person or the jobset allow more silence.'
      : 'The build took longer than allowed: compare with its usual duration before a person raises the limit.',
  };
  const limit = seconds === undefined ? '' : ` (limit ${seconds} s)`;
  return findingOfFact(`outcome-${outcome}`, meaning, WEIGHTS.timeout, `outcome ${outcome}${limit}`);
}

/** The one rule that reads no log: a build tool in the runtime closure is red whatever its size (reference/cuda.md §6.2). */
function closureFact({ closureToolchains }: Evidence): Finding | undefined {
  if (closureToolchains === undefined || closureToolchains.length === 0) return undefined;
  const meaning: Meaning = {
    class: 'closure-regression',
    subclass: 'leaked-toolchain',
    scope: 'code',
    retry: 'no',
    confidence: 0.97,
    explanation: 'A build tool is in the runtime closure: follow `nix why-depends` and remove the reference.',
  };
  return findingOfFact(
    'closure-toolchain',
    meaning,
    WEIGHTS.status,
    `closure contains ${closureToolchains.join(', ')}`,
  );
}

const HOST_FACTS: readonly FactRule[] = [
  ({ host }) =>
    (host?.xids ?? []).flatMap(({ code, pci, text }) => {
      const meaning = XID_MEANINGS.get(String(code));
      if (meaning === undefined || meaning.class === 'none') return [];
      const weight = meaning.rank === 'decisive' ? WEIGHTS.host : WEIGHTS[meaning.rank ?? 'specific'] + 1;
      return [
        findingOfFact(
          `host-xid:${meaning.id}`,
          meaning,
          weight,
          `Xid ${code} ${pci ?? ''} ${text ?? ''}`.trim(),
          XID_LINK,
        ),
      ];
    }),
  ({ host }) => {
    if (host?.eccErrors === undefined || host.eccErrors === 0) return undefined;
    const meaning: Meaning = { ...SICK_GPU, subclass: 'ecc-uncorrectable' };
    return findingOfFact('host-ecc', meaning, WEIGHTS.host, `${host.eccErrors} new uncorrectable ECC errors`);
  },
  ({ host }) => {
    if (host?.oomKills === undefined || host.oomKills === 0) return undefined;
    return findingOfFact('host-oom-kill', OOM_KILL, WEIGHTS.host - 1, `${host.oomKills} out-of-memory kills`);
  },
  ({ host }) => {
    if (host?.freeBytes === undefined || host.freeBytes >= FULL_BYTES) return undefined;
    return findingOfFact('host-disk-full', DISK_FULL, WEIGHTS.host - 1, `${host.freeBytes} bytes free`);
  },
  ({ host }) => {
    const { driverBefore, driverAfter } = host ?? {};
    if (driverBefore === undefined || driverAfter === undefined || driverBefore === driverAfter)
      return undefined;
    return findingOfFact(
      'host-driver-changed',
      DRIVER_CHANGED,
      WEIGHTS.host,
      `driver ${driverBefore}, then ${driverAfter}`,
    );
  },
];

const XID_LINK = 'https://docs.nvidia.com/deploy/xid-errors/';

const SICK_GPU = {
  class: 'gpu-hardware',
  scope: 'host',
  retry: 'other',
  confidence: 0.98,
  explanation:
    'The GPU reports uncorrectable memory errors: take it out of service and run the check on another one.',
} as const;

const OOM_KILL: Meaning = {
  class: 'infra',
  subclass: 'oom-kill',
  scope: 'host',
  retry: 'bigger',
  confidence: 0.97,
  explanation:
    'The kernel killed the build for lack of memory: use a host with more memory, or fewer parallel jobs.',
};

const DISK_FULL: Meaning = {
  class: 'infra',
  subclass: 'disk-full',
  scope: 'host',
  retry: 'other',
  confidence: 0.97,
  explanation: 'The builder ran out of disk space: free some, and try another builder meanwhile.',
};

const DRIVER_CHANGED: Meaning = {
  class: 'driver-mismatch',
  subclass: 'driver-changed-during-check',
  scope: 'host',
  retry: 'other',
  confidence: 0.9,
  explanation: 'The driver was exchanged while the check ran: reboot the host and repeat the check.',
};

/** The builder's end, where nothing better is known. */
function exitFact({ exitCode, signal }: Evidence): Finding | undefined {
  // A shell reports a child's death by signal N as exit status 128 + N.
  const number =
    signal ?? (exitCode !== undefined && exitCode > 128 && exitCode < 160 ? exitCode - 128 : undefined);
  const meaning = number === undefined ? undefined : SIGNAL_MEANINGS.get(String(number));
  if (meaning === undefined || meaning.class === 'insufficient-evidence') return undefined;
  return findingOfFact(`exit:${meaning.id}`, meaning, WEIGHTS.exit, `builder ended by signal ${number}`);
}

function fetchFact(evidence: Evidence): Finding | undefined {
  const isFetch = evidence.fixedOutput === true || evidence.stage === 'fetch';
  if (!isFetch || outcomeOf(evidence) !== 'failed') return undefined;
  const meaning: Meaning = {
    class: 'fetch-failure',
    subclass: 'fetch-failed',
    scope: 'upstream',
    retry: 'same',
    confidence: 0.6,
    explanation:
      'A download failed for a reason its log does not name: try once more, then check the URL by hand.',
  };
  return findingOfFact('fetch-failed', meaning, WEIGHTS.exit, 'a fixed-output derivation failed');
}
