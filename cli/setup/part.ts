/** One part of set-up: something that this machine must have. */

import type { Environment } from '../../domain/environment.ts';

export interface SetupContext {
  readonly environment: Environment;
  readonly cacheFolder: string;
  readonly say: (message: string) => void;
}

export interface SetupPart {
  readonly name: string;
  /** How it is there already; `undefined` when it is missing. */
  find(context: SetupContext): Promise<string | undefined>;
  /** What would be taken: what, from where, how much, under which licence. Said before anything is. */
  announcement(context: SetupContext): string;
  /** Gets it. @throws SetupFailure saying all that was tried. */
  install(context: SetupContext): Promise<string>;
}

/** A part that cannot be had here; the message says what was tried and what a person can do. */
export class SetupFailure extends Error {
  override readonly name = 'SetupFailure';
}

/** Makes sure that every part is there: says what is, says what will be taken, takes it. */
export async function setUp(parts: readonly SetupPart[], context: SetupContext): Promise<void> {
  const missing: SetupPart[] = [];
  for (const part of parts) {
    const found = await part.find(context);
    if (found === undefined) missing.push(part);
    else context.say(`✔ ${part.name}: ${found}`);
  }
  if (missing.length === 0) return;
  for (const part of missing) context.say(`⏵ ${part.name}: ${part.announcement(context)}`);
  for (const part of missing) context.say(`✔ ${part.name}: ${await part.install(context)}`);
}
