/** Reasons that are known without reading the log: Nix's status, limits, the host, the closure. */

import { XID_MEANINGS } from './codes/xid.ts';
import { SIGNAL_MEANINGS } from './codes/signals.ts';
import type { Evidence, EvidenceOutcome } from './evidence.ts';
import {
  DISK_FULL,
  DRIVER_CHANGED,
  OOM_KILL,
  SICK_GPU,
  STATUS_MEANINGS,
  TIMEOUT_MEANING,
} from './fact-meanings.ts';
import type { Finding } from './finding.ts';
import { WEIGHTS, findingOfFact } from './finding.ts';
import type { Meaning } from './taxonomy.ts';

/** Below this Nix itself suspects the disk (8 MiB, `LocalDerivationGoal`); compilers fail well before it. */
const FULL_BYTES = 64 * 1024 * 1024;

/** Outcome as told, or as the exit status of the Nix command tells it (96 + bits, reference/hydra.md §5). */
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
