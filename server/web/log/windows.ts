/** Parts of a log by line numbers: head, tail and the line that decided, of a log of any length, in one pass. */

import type { Readable } from 'node:stream';
import { createLineReader } from '../../../domain/ci/classification/lines.ts';

/** Lines `from` to `to`, both inclusive, from 1. */
export interface LineRange {
  readonly from: number;
  readonly to: number;
}

export interface LogWindow {
  /** Number of its first line. */
  readonly from: number;
  readonly lines: string[];
}

export interface ReadWindows {
  /** Apart from each other and in order. */
  readonly windows: LogWindow[];
  /** Of the whole log. */
  readonly lineCount: number;
}

/** Longer lines are cut: nvcc's commands are some thousand characters, minified files some million. */
export const LONGEST_SHOWN = 2_000;

/**
 * Reads the lines of `ranges`, and the last `tail` lines.
 * Lines are counted as the classifier counts them, so that its line numbers are true here; memory holds what is shown only.
 */
export async function readWindows(
  log: Readable,
  ranges: readonly LineRange[],
  tail: number,
): Promise<ReadWindows> {
  const kept = new Map<number, string>();
  const ring: string[] = [];
  let lineCount = 0;
  const reader = createLineReader((text, start, end, number) => {
    // A line beyond the reader's limit comes in pieces of one number.
    if (number === lineCount) return;
    lineCount = number;
    const inRange = ranges.some(({ from, to }) => number >= from && number <= to);
    if (!inRange && tail === 0) return;
    const line = shortened(text, start, end);
    if (inRange) kept.set(number, line);
    if (tail > 0) ring[number % tail] = line;
  });
  for await (const chunk of log) reader.write(chunk as Buffer);
  reader.end();
  const tailFrom = Math.max(1, lineCount - tail + 1);
  for (let number = tailFrom; number <= lineCount; number++) kept.set(number, ring[number % tail] ?? '');
  return { windows: windowsOf(kept), lineCount };
}

function shortened(text: string, start: number, end: number): string {
  const length = end - start;
  const cut = text.slice(start, Math.min(end, start + LONGEST_SHOWN));
  // `slice` alone would keep the whole chunk alive for the sake of one line.
  const own = Buffer.from(cut).toString();
  return length <= LONGEST_SHOWN
    ? own
    : `${own} … (${length - LONGEST_SHOWN} more characters: see the raw log)`;
}

function windowsOf(kept: ReadonlyMap<number, string>): LogWindow[] {
  const windows: LogWindow[] = [];
  for (const number of [...kept.keys()].toSorted((a, b) => a - b)) {
    const last = windows.at(-1);
    const line = kept.get(number) ?? '';
    if (last !== undefined && last.from + last.lines.length === number) last.lines.push(line);
    else windows.push({ from: number, lines: [line] });
  }
  return windows;
}
