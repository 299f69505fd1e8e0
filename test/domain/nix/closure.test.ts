import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { findClosure, sortClosure } from '../../../domain/nix/closure.ts';
import { test } from '../../support/test.ts';

const GRAPH: Record<string, string[]> = {
  app: ['app', 'lib', 'data'],
  lib: ['libc', 'lib'],
  data: ['libc'],
  libc: [],
  other: ['libc'],
};
const references = (node: string): string[] => GRAPH[node] ?? [];

test('a closure holds the roots and all they reach, once', () => {
  assert.deepEqual([...findClosure(['app'], references)].toSorted(), ['app', 'data', 'lib', 'libc']);
  assert.deepEqual([...findClosure(['libc', 'libc'], references)], ['libc']);
  assert.deepEqual([...findClosure([], references)], []);
});

test('in a sorted closure every node stands after what it refers to; references to itself do not matter', () => {
  assert.deepEqual(sortClosure(['app', 'other'], references), ['libc', 'lib', 'data', 'app', 'other']);
});

test('any graph without cycles sorts, whatever its shape', () => {
  const edges = fc.array(fc.tuple(fc.nat(30), fc.nat(30)));
  fc.assert(
    fc.property(edges, fc.array(fc.nat(30)), (pairs, roots) => {
      const lower = (node: number): number[] =>
        pairs.filter(([from, to]) => from === node && to <= node).map(([, to]) => to);
      const sorted = sortClosure(roots, lower);
      const place = new Map(sorted.map((node, i) => [node, i]));
      assert.deepEqual(new Set(sorted), findClosure(roots, lower));
      assert.equal(place.size, sorted.length);
      for (const node of sorted) {
        for (const to of lower(node)) assert.ok(to === node || place.get(to)! < place.get(node)!);
      }
    }),
  );
});

test('a cycle is reported by the nodes on it', () => {
  const cyclic: Record<string, string[]> = { a: ['b'], b: ['c'], c: ['d', 'b'], d: [] };
  assert.throws(() => sortClosure(['a'], (node) => cyclic[node]!), {
    name: 'ParseError',
    message: /\["b","c","b"\]/,
  });
  assert.deepEqual([...findClosure(['a'], (node) => cyclic[node]!)], ['a', 'b', 'c', 'd']);
});

test('a chain of 200,000 nodes needs no deep stack', () => {
  const sorted = sortClosure([200_000], (node) => (node > 0 ? [node - 1] : []));
  assert.equal(sorted.length, 200_001);
  assert.equal(sorted[0], 0);
});
