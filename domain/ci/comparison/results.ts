/** Results of one check in several places: what the verdict by comparison rests on (reference/cuda.md §3.3, §4.3). */

/** `not-tested` is a green run that proves nothing (all skipped, fell back to the CPU); `infrastructure` never got that far. */
export type CheckOutcome = 'passed' | 'failed' | 'not-tested' | 'infrastructure';

export interface CheckResult {
  /** The revision under test, or the one it is compared with. */
  readonly side: 'head' | 'base';
  /** `cuda`: with CUDA; `nocuda`: the same package without, which needs no GPU. */
  readonly variant: 'cuda' | 'nocuda';
  readonly host: string;
  /** `sm_89` of the GPU that ran the check; null where none took part. */
  readonly architecture: string | null;
  /** Version of the kernel driver, where known. */
  readonly driver: string | null;
  readonly outcome: CheckOutcome;
  /** The pinned, known good check beside this one on the same GPU; null where it was not run. */
  readonly canary: 'passed' | 'failed' | null;
}

/** What is known of a package's device code, by architecture: whether a cubin or PTX in it serves that GPU. */
export type CodeInventory = Readonly<Record<string, boolean>>;

/** All results of one side and variant on one host, GPU architecture and driver: repetitions of the same thing. */
export interface Cell {
  readonly host: string;
  readonly architecture: string | null;
  readonly driver: string | null;
  readonly passes: number;
  readonly failures: number;
  /** `failed` where any run beside it failed: then nothing that failed here counts against the package. */
  readonly canary: 'passed' | 'failed' | null;
}

/** Groups what ended as passed or failed; the rest proves nothing. */
export function cellsOf(
  results: readonly CheckResult[],
  side: CheckResult['side'],
  variant: CheckResult['variant'],
): Cell[] {
  const cells = new Map<string, Cell>();
  for (const result of results) {
    if (result.side !== side || result.variant !== variant) continue;
    const hasPassed = result.outcome === 'passed';
    if (!hasPassed && result.outcome !== 'failed') continue;
    const { host, architecture, driver } = result;
    const key = JSON.stringify([host, architecture, driver]);
    const before = cells.get(key) ?? { host, architecture, driver, passes: 0, failures: 0, canary: null };
    cells.set(key, {
      ...before,
      passes: before.passes + (hasPassed ? 1 : 0),
      failures: before.failures + (hasPassed ? 0 : 1),
      canary: worstCanary(before.canary, result.canary),
    });
  }
  return [...cells.values()];
}

function worstCanary(one: Cell['canary'], other: Cell['canary']): Cell['canary'] {
  if (one === 'failed' || other === 'failed') return 'failed';
  return one ?? other;
}

export const failsAlways = (cell: Cell): boolean => cell.failures > 0 && cell.passes === 0;
export const passesAlways = (cell: Cell): boolean => cell.passes > 0 && cell.failures === 0;
/** Passed and failed on one host with one driver: exact, for nothing else differs. */
export const isFlaky = (cell: Cell): boolean => cell.passes > 0 && cell.failures > 0;

/** Values that differ, in the order of their first appearance. */
export function distinct<T>(values: readonly (T | null)[]): T[] {
  return [...new Set(values)].filter((value) => value !== null);
}

/** `ada (sm_89), pascal (sm_61)`. */
export function places(cells: readonly Cell[]): string {
  return distinct(
    cells.map(({ host, architecture }) => (architecture === null ? host : `${host} (${architecture})`)),
  ).join(', ');
}
