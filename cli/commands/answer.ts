/** What a command prints: JSON for programs, text for people. */

import { EXIT } from '../exit.ts';

export interface Json {
  readonly json?: boolean;
}

export function answer({ json = false }: Json, value: unknown, text: string): number {
  process.stdout.write(json ? `${JSON.stringify(value, null, 2)}\n` : `${text}\n`);
  return EXIT.ok;
}
