/** The rules that read no log line, in the form in which people look rules up; `facts.ts` and `choose.ts` apply them. */

import { SIGNAL_MEANINGS } from './codes/signals.ts';
import { XID_MEANINGS } from './codes/xid.ts';
import type { Evidence, EvidenceOutcome } from './evidence.ts';
import { STATUS_MEANINGS } from './fact-meanings.ts';
import type { CodeTable } from './rule.ts';

export interface FactRule {
  readonly id: string;
  /** What must be known of the attempt. */
  readonly fact: string;
  /** Evidence that, with `log`, makes the rule decide. */
  readonly example: Evidence;
  readonly log?: string;
  readonly codes?: CodeTable;
}

const OUTCOMES = Object.keys(STATUS_MEANINGS) as EvidenceOutcome[];

export const FACT_RULES: readonly FactRule[] = [
  ...[...OUTCOMES, 'timed-out' as const, 'silent-timed-out' as const].map((outcome) => ({
    id: `outcome-${outcome}`,
    fact: `Nix ended the attempt as ${outcome}`,
    example: { outcome },
  })),
  {
    id: 'closure-toolchain',
    fact: 'the runtime closure of an output holds a build tool',
    example: { outcome: 'built', closureToolchains: ['/nix/store/2agqm11avdxkyqd378c87qzg3cdn9a3b-gcc-14'] },
  },
  {
    id: 'host-xid',
    fact: "NVIDIA's kernel driver reported an Xid while the attempt ran",
    example: { outcome: 'failed', host: { xids: [{ code: 79 }] } },
    codes: XID_MEANINGS,
  },
  {
    id: 'host-ecc',
    fact: 'NVML counted new uncorrectable memory errors',
    example: { outcome: 'failed', host: { eccErrors: 1 } },
  },
  {
    id: 'host-oom-kill',
    fact: "the kernel killed a process of the build's cgroup for lack of memory",
    example: { outcome: 'failed', host: { oomKills: 1 } },
  },
  {
    id: 'host-disk-full',
    fact: 'less than 64 MiB were free when the attempt ended',
    example: { outcome: 'failed', host: { freeBytes: 4_096 } },
  },
  {
    id: 'host-driver-changed',
    fact: 'the driver version differs before and after the attempt',
    example: { outcome: 'failed', host: { driverBefore: '570.86', driverAfter: '580.95' } },
  },
  {
    id: 'exit',
    fact: 'a signal ended the builder, and no line says more',
    example: { outcome: 'failed', signal: 11 },
    log: 'compiling\n',
    codes: SIGNAL_MEANINGS,
  },
  {
    id: 'fetch-failed',
    fact: 'a fixed-output derivation failed, and no line says more',
    example: { outcome: 'failed', fixedOutput: true },
    log: 'trying https://example.org/x\n',
  },
  {
    id: 'no-rule',
    fact: 'the log holds lines, and no rule knows any of them',
    example: { outcome: 'failed' },
    log: 'compiling\n',
  },
  { id: 'empty-log', fact: 'the log is empty', example: { outcome: 'failed' } },
  {
    id: 'built',
    fact: 'the attempt succeeded and its log does not contradict',
    example: { outcome: 'built' },
  },
];
