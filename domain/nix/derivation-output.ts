/** The outputs of a derivation: which kinds there are, and their four-field form in `.drv` files. */
import { ParseError } from '../parse-error.ts';
import { formatMethodAlgorithm, parseMethodAlgorithm } from './content-address.ts';
import type { IngestionMethod } from './content-address.ts';
import { formatHashDigest, parseHashDigest } from './hash.ts';
import type { HashAlgorithm, NixHash } from './hash.ts';
import { parseStorePath } from './store-path.ts';
import type { StorePath } from './store-path.ts';

export type DerivationOutput =
  /** The path follows from the derivation. */
  | { readonly kind: 'input-addressed'; readonly path: StorePath }
  /** The content's hash is known beforehand: fetches. */
  | {
      readonly kind: 'fixed';
      readonly path: StorePath;
      readonly method: IngestionMethod;
      readonly hash: NixHash;
    }
  /** Content-addressed: the path is known after the build. */
  | { readonly kind: 'floating'; readonly method: IngestionMethod; readonly algorithm: HashAlgorithm }
  /** Input-addressed, but an input's path is not known yet. */
  | { readonly kind: 'deferred' }
  /** Content-addressed and never the same twice by right. */
  | { readonly kind: 'impure'; readonly method: IngestionMethod; readonly algorithm: HashAlgorithm };

export type DerivationKind = DerivationOutput['kind'];

/** An output's fields as ATerm carries them, in order. */
export interface OutputFields {
  readonly path: string;
  readonly hashAlgorithm: string;
  readonly hash: string;
}

export function parseOutputFields(
  { path, hashAlgorithm, hash }: OutputFields,
  storeDir?: string,
): DerivationOutput {
  if (hashAlgorithm === '') {
    if (hash !== '') throw new ParseError('derivation output', hash, 'empty, as no hash algorithm is given');
    return path === ''
      ? { kind: 'deferred' }
      : { kind: 'input-addressed', path: parseStorePath(path, storeDir) };
  }
  const { method, algorithm } = parseMethodAlgorithm(hashAlgorithm);
  if (hash === '' || hash === 'impure') {
    if (path !== '')
      throw new ParseError('derivation output', path, 'empty, as the path is known only after the build');
    return { kind: hash === '' ? 'floating' : 'impure', method, algorithm };
  }
  const parsed = parseHashDigest(hash, algorithm);
  // Nix writes base 16 only; another spelling would change the text and so the derivation's own path.
  if (formatHashDigest(parsed, 'base16') !== hash)
    throw new ParseError('derivation output', hash, 'lower-case base 16');
  return { kind: 'fixed', path: parseStorePath(path, storeDir), method, hash: parsed };
}

export function formatOutputFields(output: DerivationOutput): OutputFields {
  switch (output.kind) {
    case 'input-addressed':
      return { path: output.path, hashAlgorithm: '', hash: '' };
    case 'fixed':
      return {
        path: output.path,
        hashAlgorithm: formatMethodAlgorithm(output.method, output.hash.algorithm),
        hash: formatHashDigest(output.hash, 'base16'),
      };
    case 'floating':
      return { path: '', hashAlgorithm: formatMethodAlgorithm(output.method, output.algorithm), hash: '' };
    case 'deferred':
      return { path: '', hashAlgorithm: '', hash: '' };
    case 'impure':
      return {
        path: '',
        hashAlgorithm: formatMethodAlgorithm(output.method, output.algorithm),
        hash: 'impure',
      };
  }
}

/** The kind that all outputs share; Nix refuses mixtures, several fixed outputs, and a fixed output not named `out`. */
export function commonOutputKind(outputs: ReadonlyMap<string, DerivationOutput>): DerivationKind {
  const kinds = new Set([...outputs.values()].map((output) => output.kind));
  const [kind] = kinds;
  const names = [...outputs.keys()];
  if (kind === undefined || kinds.size > 1) {
    throw new ParseError(
      'derivation outputs',
      [...kinds],
      'one kind of output, shared by at least one output',
    );
  }
  if (kind === 'fixed' && (names.length > 1 || names[0] !== 'out')) {
    throw new ParseError('derivation outputs', names, 'the single output "out", as its hash is fixed');
  }
  return kind;
}
