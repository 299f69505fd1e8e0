/** One failure that a script produces with a real tool, and what a person says of it before the classifier is asked. */

import type { Stage } from '../../domain/ci/classification/taxonomy.ts';

/** What a case needs, by the names of `tools.ts`; where one is absent the case is skipped and said. */
export type Tool =
  | 'gcc'
  | 'g++'
  | 'ld.gold'
  | 'cmake'
  | 'make'
  | 'ninja'
  | 'meson'
  | 'cargo'
  | 'go'
  | 'python'
  | 'nvcc'
  | 'nccl'
  | 'mpirun'
  | 'nix-2.8'
  | 'nix-current'
  | 'memory-cgroup'
  | 'mount';

export interface MadeCase {
  readonly id: string;
  readonly needs: readonly Tool[];
  readonly stage: Stage;
  /** `class/subclass`, written down before the log was classified. */
  readonly label: string;
  /** Files of the folder in which the script runs. */
  readonly files?: Readonly<Record<string, string>>;
  /** For `sh -e`; what it prints is the log. */
  readonly script: string;
}

type Row = readonly [
  id: string,
  label: string,
  script: string,
  files?: Readonly<Record<string, string>>,
  alsoNeeds?: readonly Tool[],
];

/** Cases that share tools and stage. */
export function madeCases(stage: Stage, needs: readonly Tool[], rows: readonly Row[]): readonly MadeCase[] {
  return rows.map(([id, label, script, files = {}, also = []]) => ({
    id,
    needs: [...needs, ...also],
    stage,
    label,
    script,
    files,
  }));
}
