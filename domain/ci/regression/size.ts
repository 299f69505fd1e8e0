/** Whether a closure or an output grew too much. Sizes are exact, so thresholds do (reference/cuda.md §6.2). */

const MIB = 1024 * 1024;

export interface Growth {
  /** Relative: 0.2 is a fifth. */
  readonly share: number;
  readonly bytes: number;
}

export interface SizeLimits {
  /** Either is too much. */
  readonly red: Growth;
  /** Both together want a look. */
  readonly amber: Growth;
  /** Whatever it was before. */
  readonly mostBytes: number | null;
}

export const DEFAULT_SIZE_LIMITS: SizeLimits = {
  red: { share: 0.2, bytes: 500 * MIB },
  amber: { share: 0.05, bytes: 50 * MIB },
  mostBytes: null,
};

export interface MeasuredSize {
  readonly bytes: number;
  /** What decides how much device code there is: with another list sizes cannot be compared. */
  readonly capabilities?: readonly string[];
}

export type SizeVerdict = 'red' | 'amber' | 'fine' | 'not-comparable';

export interface SizeResult {
  readonly verdict: SizeVerdict;
  readonly grownBytes: number | null;
  readonly grownShare: number | null;
  readonly reason: string;
}

/** Compares a size with that before; `undefined` where there was none, for which only the absolute limit holds. */
export function judgeSize(
  before: MeasuredSize | undefined,
  now: MeasuredSize,
  limits: SizeLimits = DEFAULT_SIZE_LIMITS,
): SizeResult {
  const comparable = before !== undefined && sameCapabilities(before, now);
  const grown = comparable
    ? {
        grownBytes: now.bytes - before.bytes,
        grownShare: before.bytes === 0 ? null : (now.bytes - before.bytes) / before.bytes,
      }
    : { grownBytes: null, grownShare: null };
  const result = (verdict: SizeVerdict, reason: string): SizeResult => ({ verdict, ...grown, reason });
  if (limits.mostBytes !== null && now.bytes > limits.mostBytes)
    return result('red', `${mib(now.bytes)} is more than the limit of ${mib(limits.mostBytes)}`);
  if (before === undefined) return result('fine', 'nothing to compare with');
  if (!comparable)
    return result('not-comparable', `built for ${list(now)}, before for ${list(before)}: sizes say nothing`);
  const share = grown.grownShare ?? 0;
  const bytes = grown.grownBytes ?? 0;
  const words = `${bytes < 0 ? '−' : '+'}${mib(Math.abs(bytes))} (${(share * 100).toFixed(1)} %)`;
  if (bytes > 0 && (share >= limits.red.share || bytes >= limits.red.bytes)) return result('red', words);
  if (share >= limits.amber.share && bytes >= limits.amber.bytes) return result('amber', words);
  return result('fine', words);
}

function sameCapabilities(a: MeasuredSize, b: MeasuredSize): boolean {
  return list(a) === list(b);
}

function list({ capabilities = [] }: MeasuredSize): string {
  return capabilities.length === 0 ? 'default capabilities' : capabilities.toSorted().join(', ');
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}
