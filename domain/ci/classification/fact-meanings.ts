/** What facts mean that need no log: outcomes, and what the host says. */

import type { EvidenceOutcome } from './evidence.ts';
import type { Meaning } from './taxonomy.ts';

/** Outcomes that are an answer by themselves. */
export const STATUS_MEANINGS: Partial<Record<EvidenceOutcome, Meaning>> = {
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

export const TIMEOUT_MEANING = {
  class: 'infra',
  scope: 'infrastructure',
  retry: 'no',
  confidence: 0.85,
} as const;

export const SICK_GPU = {
  class: 'gpu-hardware',
  scope: 'host',
  retry: 'other',
  confidence: 0.98,
  explanation:
    'The GPU reports uncorrectable memory errors: take it out of service and run the check on another one.',
} as const;

export const OOM_KILL: Meaning = {
  class: 'infra',
  subclass: 'oom-kill',
  scope: 'host',
  retry: 'bigger',
  confidence: 0.97,
  explanation:
    'The kernel killed the build for lack of memory: use a host with more memory, or fewer parallel jobs.',
};

export const DISK_FULL: Meaning = {
  class: 'infra',
  subclass: 'disk-full',
  scope: 'host',
  retry: 'other',
  confidence: 0.97,
  explanation: 'The builder ran out of disk space: free some, and try another builder meanwhile.',
};

export const DRIVER_CHANGED: Meaning = {
  class: 'driver-mismatch',
  subclass: 'driver-changed-during-check',
  scope: 'host',
  retry: 'other',
  confidence: 0.9,
  explanation: 'The driver was exchanged while the check ran: reboot the host and repeat the check.',
};
