/** Signals of Linux by number and name, and what a builder killed by one means. */

import type { CodeTable } from '../rule.ts';
import type { Faults } from './fault.ts';
import { fault, meaningOf } from './fault.ts';

const SIGNAL_FAULTS = {
  'oom-kill': {
    ...fault('infra', 'host', 'bigger', 0.6),
    explanation:
      'The build was killed, most often for lack of memory: look at the kernel log, use a bigger host or fewer jobs.',
  },
  interrupted: {
    ...fault('infra', 'infrastructure', 'other', 0.7),
    explanation:
      'Something outside ended the build: look for a shutdown, a deploy or a lost connection of the builder.',
  },
  'process-crashed': {
    ...fault('build-test', 'code', 'same', 0.5),
    explanation: 'A program crashed: find the last command of the log and run it in a debugger.',
  },
  'illegal-cpu-instruction': {
    ...fault('infra', 'host', 'other', 0.6),
    explanation:
      "A program uses instructions this CPU lacks: check what it was tuned for, and the builder's CPU.",
  },
  'memory-bus-error': {
    ...fault('infra', 'host', 'other', 0.55),
    explanation:
      'Memory behind a mapping vanished: look for a full /dev/shm or disk, then for a failing host.',
  },
  'cpu-limit': {
    ...fault('infra', 'infrastructure', 'no', 0.8),
    explanation: 'The CPU time limit was reached: raise it, or find the loop.',
  },
  'file-size-limit': {
    ...fault('infra', 'infrastructure', 'no', 0.8),
    explanation: 'The file size limit was reached: raise it, or write less.',
  },
  'syscall-filtered': {
    ...fault('build-sandbox', 'code', 'no', 0.7),
    explanation: 'The sandbox forbids a system call that the build uses: find it with strace and avoid it.',
  },
  'no-fault-by-itself': {
    ...fault('insufficient-evidence', 'unknown', 'no', 0.3, 'generic'),
    explanation: 'The signal alone says nothing of the cause.',
  },
} as const satisfies Faults;

/** `signal(7)`, x86-64 and aarch64: number, name, fault. Real-time signals (32 to 64) mean nothing by themselves. */
export const SIGNALS: readonly (readonly [number, string, keyof typeof SIGNAL_FAULTS])[] = [
  [1, 'SIGHUP', 'interrupted'],
  [2, 'SIGINT', 'interrupted'],
  [3, 'SIGQUIT', 'interrupted'],
  [4, 'SIGILL', 'illegal-cpu-instruction'],
  [5, 'SIGTRAP', 'process-crashed'],
  [6, 'SIGABRT', 'process-crashed'],
  [7, 'SIGBUS', 'memory-bus-error'],
  [8, 'SIGFPE', 'process-crashed'],
  [9, 'SIGKILL', 'oom-kill'],
  [10, 'SIGUSR1', 'no-fault-by-itself'],
  [11, 'SIGSEGV', 'process-crashed'],
  [12, 'SIGUSR2', 'no-fault-by-itself'],
  [13, 'SIGPIPE', 'no-fault-by-itself'],
  [14, 'SIGALRM', 'no-fault-by-itself'],
  [15, 'SIGTERM', 'interrupted'],
  [16, 'SIGSTKFLT', 'process-crashed'],
  [17, 'SIGCHLD', 'no-fault-by-itself'],
  [18, 'SIGCONT', 'no-fault-by-itself'],
  [19, 'SIGSTOP', 'no-fault-by-itself'],
  [20, 'SIGTSTP', 'no-fault-by-itself'],
  [21, 'SIGTTIN', 'no-fault-by-itself'],
  [22, 'SIGTTOU', 'no-fault-by-itself'],
  [23, 'SIGURG', 'no-fault-by-itself'],
  [24, 'SIGXCPU', 'cpu-limit'],
  [25, 'SIGXFSZ', 'file-size-limit'],
  [26, 'SIGVTALRM', 'no-fault-by-itself'],
  [27, 'SIGPROF', 'no-fault-by-itself'],
  [28, 'SIGWINCH', 'no-fault-by-itself'],
  [29, 'SIGIO', 'no-fault-by-itself'],
  [30, 'SIGPWR', 'interrupted'],
  [31, 'SIGSYS', 'syscall-filtered'],
];

/** Meanings by number. */
export const SIGNAL_MEANINGS: CodeTable = new Map(
  SIGNALS.map(([number, , id]) => [String(number), meaningOf(SIGNAL_FAULTS, id)]),
);
