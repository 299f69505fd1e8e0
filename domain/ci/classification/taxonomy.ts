/** The words of a verdict: failure classes, scopes, retry advice and stages (reference/cuda.md §5). */

export const FAILURE_CLASSES = [
  'eval-error',
  'dependency-failed',
  'fetch-failure',
  'infra',
  'build-configure',
  'build-patch',
  'build-compile',
  'build-link',
  'build-output',
  'build-test',
  'build-sandbox',
  'build-unsupported',
  'runtime-load',
  'driver-mismatch',
  'gpu-lib-init',
  'arch-specific',
  'gpu-hardware',
  'gpu-code',
  'gpu-oom',
  'rocm',
  'collective',
  'closure-regression',
  'perf-regression',
  'insufficient-evidence',
  'none',
] as const;
export type FailureClass = (typeof FAILURE_CLASSES)[number];

/** Whose fault it is. `unknown` belongs to verdicts that name no fault: `insufficient-evidence` and `none`. */
export type Scope =
  | 'code'
  | 'dependency'
  | 'architecture'
  | 'host'
  | 'driver'
  | 'infrastructure'
  | 'upstream'
  | 'unknown';

/**
 * What a further attempt is good for: `no` it would end the same way, `same` once more anywhere,
 * `other` on another host, `bigger` on a host or limit with more memory, `fix` only after an operator acted.
 */
export type Retry = 'no' | 'same' | 'other' | 'bigger' | 'fix';

export const STAGES = ['evaluation', 'fetch', 'build', 'gpu-test', 'measure'] as const;
/** Where the attempt stood; `measure` compares closures or timings. */
export type Stage = (typeof STAGES)[number];

/** What one fault means, wherever it was seen: the part of a verdict that does not depend on the log. */
export interface Meaning {
  readonly class: FailureClass;
  /** One canonical name a fault, kebab-case. */
  readonly subclass: string;
  readonly scope: Scope;
  readonly retry: Retry;
  /** Probability that the class is right when the signature alone is seen at the right stage. */
  readonly confidence: number;
  /** One sentence for a person that says what to do next; `{name}` or `{name|default}` takes a value from the line. */
  readonly explanation: string;
}
