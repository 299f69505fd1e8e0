/** What a comparison answers. */

/** Whose fault it is, or that nothing is wrong, or that the results do not tell. */
export type ComparisonKind =
  | 'none'
  | 'code'
  | 'architecture'
  | 'host'
  | 'driver'
  | 'flaky'
  | 'pre-existing'
  | 'infrastructure'
  | 'undecided';

/** The comparison that decided. */
export type DecidedBy =
  | 'outcome'
  | 'canary'
  | 'repetition'
  | 'hosts'
  | 'base'
  | 'variant'
  | 'architectures'
  | 'drivers'
  | 'code-inventory';

/** A run or look-up that would decide, or make the verdict surer. */
export interface MissingEvidence {
  readonly what:
    | 'head'
    | 'base'
    | 'canary'
    | 'second-host'
    | 'other-architecture'
    | 'other-driver'
    | 'code-inventory';
  /** One sentence: what to run, and where. */
  readonly sentence: string;
}

export interface Comparison {
  readonly kind: ComparisonKind;
  /** Kinds that remain possible; one, unless `undecided`. */
  readonly candidates: readonly ComparisonKind[];
  readonly decidedBy: DecidedBy | null;
  /** Probability that `kind` is right, 0 to 1; 0 for `undecided`. */
  readonly confidence: number;
  /** For a person: which comparison decided, and what follows. */
  readonly sentence: string;
  readonly missing: readonly MissingEvidence[];
  /** Whether it fails with CUDA only; null where the package without CUDA has no result. */
  readonly cudaOnly: boolean | null;
}

/** A verdict with what follows from its kind filled in. */
export function verdict(
  kind: Comparison['kind'],
  decidedBy: DecidedBy | null,
  confidence: number,
  sentence: string,
  more: Partial<Comparison> = {},
): Comparison {
  return { kind, candidates: [kind], decidedBy, confidence, sentence, missing: [], cudaOnly: null, ...more };
}
