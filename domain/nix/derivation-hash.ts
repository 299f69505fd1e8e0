/** Computes output paths from derivations, to check what somebody claims (`hashDerivationModulo` of `src/libstore/derivations.cc`). */
import { ParseError } from '../parse-error.ts';
import { contentAddressedPath, formatMethodAlgorithm } from './content-address.ts';
import { formatDerivationWith } from './derivation.ts';
import type { Derivation } from './derivation.ts';
import type { DerivationOutput } from './derivation-output.ts';
import { formatHashDigest, hashOf } from './hash.ts';
import type { NixHash } from './hash.ts';
import { makeStorePath, outputPathName } from './store-path.ts';
import type { StorePath } from './store-path.ts';

/** A derivation's hash for each output, in base 16, as its dependents see it; `deferred` when paths wait for a build. */
export interface DerivationHash {
  readonly outputs: ReadonlyMap<string, string>;
  readonly deferred: boolean;
}

/** Answers for the input derivations: callers go through a closure in topological order and keep what they computed. */
export type FindDerivationHash = (path: StorePath) => DerivationHash | undefined;

/** The hash that stands for this derivation in its dependents: two fetches of the same content count as one. */
export function hashDerivation(derivation: Derivation, findHash: FindDerivationHash): DerivationHash {
  return hashModulo(derivation, findHash, false);
}

/** As `hashDerivation`, without the output paths: names the derivation in realisations (`sha256:<hash>!<output>`). */
export function hashDerivationForRealisations(
  derivation: Derivation,
  findHash: FindDerivationHash,
): DerivationHash {
  return hashModulo(derivation, findHash, true);
}

/** Each output's path; null where it is known only after the build (of this derivation or an input). */
export function computeOutputPaths(
  derivation: Derivation,
  findHash: FindDerivationHash,
  storeDir?: string,
): ReadonlyMap<string, StorePath | null> {
  const { deferred, outputs: hashes } = hashDerivationForRealisations(derivation, findHash);
  const pathOf = (name: string, output: DerivationOutput): StorePath | null => {
    const pathName = outputPathName(derivation.name, name);
    switch (output.kind) {
      case 'fixed':
        return contentAddressedPath(pathName, output, { others: [], self: false }, storeDir);
      case 'input-addressed':
      case 'deferred':
        return deferred
          ? null
          : makeStorePath(`output:${name}`, hexHash(hashes.get(name)!), pathName, storeDir);
      case 'floating':
      case 'impure':
        return null;
    }
  };
  return new Map([...derivation.outputs].map(([name, output]) => [name, pathOf(name, output)]));
}

function hashModulo(
  derivation: Derivation,
  findHash: FindDerivationHash,
  maskOutputs: boolean,
): DerivationHash {
  const fixed = derivation.outputs.get('out');
  if (fixed?.kind === 'fixed') return hashFixed(fixed);
  const kinds = new Set([...derivation.outputs.values()].map((output) => output.kind));
  if (kinds.has('impure')) return sameHash(derivation, hashOf('sha256', 'impure'), true);
  let deferred = kinds.has('floating');
  const inputs = new Map<string, string[]>();
  for (const [path, names] of derivation.inputDerivations) {
    const input = findHash(path);
    if (input === undefined)
      throw new ParseError('derivation hash', path, `an input whose hash is known, for ${derivation.name}`);
    deferred ||= input.deferred;
    for (const name of names) {
      const hash = input.outputs.get(name);
      if (hash === undefined) throw new ParseError('derivation hash', name, `an output of ${path}`);
      inputs.set(hash, [...new Set([...(inputs.get(hash) ?? []), name])]);
    }
  }
  return sameHash(
    derivation,
    hashOf('sha256', formatDerivationWith(derivation, inputs, maskOutputs)),
    deferred,
  );
}

function hashFixed(output: DerivationOutput & { kind: 'fixed' }): DerivationHash {
  const method = formatMethodAlgorithm(output.method, output.hash.algorithm);
  const content = `fixed:out:${method}:${formatHashDigest(output.hash, 'base16')}:${output.path}`;
  return {
    outputs: new Map([['out', formatHashDigest(hashOf('sha256', content), 'base16')]]),
    deferred: false,
  };
}

function sameHash(derivation: Derivation, hash: NixHash, deferred: boolean): DerivationHash {
  const digest = formatHashDigest(hash, 'base16');
  return { outputs: new Map([...derivation.outputs.keys()].map((name) => [name, digest])), deferred };
}

function hexHash(digest: string): NixHash {
  return { algorithm: 'sha256', bytes: Buffer.from(digest, 'hex') };
}
