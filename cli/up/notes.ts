/** Notes that a run leaves for the next one. */

import { readFile } from 'node:fs/promises';

/** `fallback` where there are none, or a power cut left half of them: that must not keep `up` from starting. */
export async function readNotes<T extends object>(file: string, fallback: T): Promise<T> {
  const text = await readFile(file, 'utf8').catch(() => '');
  try {
    return (JSON.parse(text) as T | null) ?? fallback;
  } catch {
    return fallback;
  }
}
