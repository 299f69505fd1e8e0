import assert from 'node:assert/strict';
import {
  computeOutputPaths,
  hashDerivation,
  hashDerivationForRealisations,
} from '../../../domain/nix/derivation-hash.ts';
import type { DerivationHash } from '../../../domain/nix/derivation-hash.ts';
import type { Derivation } from '../../../domain/nix/derivation.ts';
import { storePathName } from '../../../domain/nix/store-path.ts';
import type { StorePath } from '../../../domain/nix/store-path.ts';
import { NIX_VERSIONS, derivationVectors, readVector } from '../../support/nix-vectors.ts';
import { describe, test } from '../../support/test.ts';

/** Finds hashes among the vectors, computing each once. */
function hashesOf(
  derivations: ReadonlyMap<StorePath, Derivation>,
): (path: StorePath) => DerivationHash | undefined {
  const known = new Map<StorePath, DerivationHash>();
  return function find(path) {
    const derivation = derivations.get(path);
    if (derivation && !known.has(path)) known.set(path, hashDerivation(derivation, find));
    return known.get(path);
  };
}

for (const version of NIX_VERSIONS) {
  describe(`derivations written by Nix ${version}`, () => {
    const vectors = derivationVectors(version);
    const derivations = new Map(vectors.map(({ path, derivation }) => [path, derivation]));
    const find = hashesOf(derivations);

    for (const { path, derivation } of vectors) {
      test(`${storePathName(path)} has the output paths that Nix computed`, () => {
        const stated = [...derivation.outputs].map(
          ([name, output]) => [name, 'path' in output ? output.path : null] as const,
        );
        assert.deepEqual(computeOutputPaths(derivation, find), new Map(stated));
      });
    }

    test('content-addressed derivations have the hash by which Nix names their realisations', () => {
      const realisations = JSON.parse(readVector(version, 'realisation.json')) as {
        id: string;
        outPath: string;
      }[];
      const named = realisations.filter(({ outPath }) => outPath.includes('floating'));
      assert.ok(named.length >= 2);
      for (const { id, outPath } of named) {
        const name = outPath.includes('multi') ? 'floating-multi' : 'floating';
        const vector = vectors.find(({ path }) => storePathName(path) === `${name}.drv`);
        assert.ok(vector);
        const output = id.slice(id.indexOf('!') + 1);
        const hash = hashDerivationForRealisations(vector.derivation, find).outputs.get(output);
        assert.equal(`sha256:${hash}!${output}`, id);
      }
    });

    test('a claimed path that does not follow from the derivation is seen', () => {
      const multi = vectors.find(({ path }) => storePathName(path) === 'multi.drv')!.derivation;
      const changed = { ...multi, env: new Map([...multi.env, ['extra', 'x']]) };
      const paths = computeOutputPaths(changed, find);
      for (const [name, output] of multi.outputs)
        assert.notEqual(paths.get(name), 'path' in output ? output.path : null);
    });
  });
}

test('an input whose hash nobody knows is refused by its path', () => {
  const { derivation } = derivationVectors('2.8').find(({ path }) => path.endsWith('-multi.drv'))!;
  assert.throws(() => computeOutputPaths(derivation, () => undefined), {
    name: 'ParseError',
    message: /-plain\.drv/,
  });
});

test('an output that an input does not have is refused', () => {
  const { derivation } = derivationVectors('2.8').find(({ path }) => path.endsWith('-multi.drv'))!;
  const nothing: DerivationHash = { outputs: new Map(), deferred: false };
  assert.throws(() => computeOutputPaths(derivation, () => nothing), {
    name: 'ParseError',
    message: /"out" is not an output of/,
  });
});
