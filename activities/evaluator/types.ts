/** What the evaluator is asked, and what it finds. */

export interface EvaluationRequest {
  readonly root: EvaluationRoot;
  /** Attribute paths below the root at which jobs are sought: `[[]]` is the root itself. */
  readonly below: readonly (readonly string[])[];
  /** Taken off the front of the attribute paths reported, which are complete from the root otherwise (`hydraJobs`). */
  readonly stripPrefix: readonly string[];
  /** `all`: every attribute set, as Hydra; `marked`: those with `recurseForDerivations = true`, as Nixpkgs' tools. */
  readonly recurse: 'all' | 'marked';
  /** Passed as `system` where the root file is a function that names it. */
  readonly system: string;
  readonly variant: EvaluationVariant | null;
  readonly workers: number;
  /** Of one worker process. */
  readonly memoryMiB: number;
  /** For the evaluation in all. */
  readonly seconds: number;
  /** Attributes looked at in all. */
  readonly maxAttributes: number;
  readonly allowImportFromDerivation: boolean;
}

export type EvaluationRoot =
  | {
      readonly kind: 'file';
      /** Absolute path of a Nix file or of a folder with `default.nix`. */
      readonly path: string;
      /** Nix expressions, as `--arg`; relative paths in them are seen from the root's folder. */
      readonly args: Readonly<Record<string, string>>;
      readonly argStrings: Readonly<Record<string, string>>;
    }
  /** A locked flake URL; its outputs are the root. */
  | { readonly kind: 'flake'; readonly url: string };

export interface EvaluationVariant {
  readonly name: string;
  readonly cudaCapabilities: readonly string[] | undefined;
  readonly cudaForwardCompat: boolean;
  readonly args: Readonly<Record<string, string>>;
  readonly argStrings: Readonly<Record<string, string>>;
}

export type EvaluatedItem = EvaluatedJob | EvaluatedError;

export interface EvaluatedJob {
  readonly kind: 'job';
  /** Empty where the root itself is the derivation. */
  readonly attrPath: readonly string[];
  readonly drvPath: string;
  readonly nixName: string;
  readonly system: string;
  readonly meta: Record<string, unknown>;
  /** Of aggregates only: names and globs as given, paths of derivations where derivations were given. */
  readonly constituents?: readonly string[];
}

export interface EvaluatedError {
  readonly kind: 'error';
  readonly attrPath: readonly string[];
  /** Nixpkgs' policy refuses the package: licence, insecure, broken, platform. */
  readonly refused: boolean;
  readonly message: string;
}

export interface EvaluationEnd {
  /** False: items may be missing, and `message` says why. */
  readonly complete: boolean;
  readonly message: string | null;
}

export type OnItems = (items: readonly EvaluatedItem[]) => Promise<void>;

export interface EvaluatorDeps {
  /** Of the child processes: PATH, HOME, NIX_CONFIG and so on. */
  readonly environment: Readonly<Record<string, string>>;
  /** Path of nix-eval-jobs; without it our own evaluator does everything. */
  readonly nixEvalJobs: string | undefined;
  readonly onWarning: (message: string) => void;
}
