/** Sets of derivations that tests build for real: written as Nix files of their own. */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { temporaryFolder } from './temporary.ts';

export interface SetOptions {
  /** Nix attribute set of derivations; in scope: `sh name script` and `shWith attributes name script`. */
  readonly attributes: string;
  /** What makes the derivations this set's own; equal salts share them. */
  readonly salt?: string;
}

let count = 0;

/** A salt that no other set has. */
export function uniqueSalt(): string {
  return `${process.pid}-${Date.now()}-${count++}`;
}

/** Writes a Nix file. Scripts run under /bin/sh with /usr/bin and /bin on PATH. */
export async function writeSet({ attributes, salt = uniqueSalt() }: SetOptions): Promise<string> {
  const folder = await temporaryFolder('set');
  const file = join(folder, 'default.nix');
  await writeFile(
    file,
    `let
      shWith = attributes: name: script: derivation ({
        inherit name; system = builtins.currentSystem; builder = "/bin/sh";
        args = [ "-c" script ]; PATH = "/usr/bin:/bin"; salt = "${salt}";
      } // attributes);
      sh = shWith { };
    in ${attributes}
    `,
  );
  return file;
}

/** Layers of derivations, each needing all of the layer below; every one takes `seconds`. */
export function layers(widths: readonly number[], seconds: number): string {
  const bindings = widths.flatMap((width, layer) =>
    Array.from({ length: width }, (_, index) => {
      const inputs =
        layer === 0
          ? ''
          : Array.from({ length: widths[layer - 1] ?? 0 }, (_x, below) => `\${l${layer - 1}n${below}}`).join(
              ' ',
            );
      return `l${layer}n${index} = sh "l${layer}n${index}" "echo begin; sleep ${seconds}; echo ${inputs} > $out; echo end";`;
    }),
  );
  return `rec { ${bindings.join('\n')} }`;
}
