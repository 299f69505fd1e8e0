/** Which derivations an evaluation has to realise: from its jobs down, until outputs are available. */

import {
  findUpstreamAnswers,
  listFailedWithOutput,
  listUncachedOutputs,
  recordUpstreamAnswers,
} from '../db/availability.ts';
import type { Database } from '../db/database.ts';
import { type DerivationNode, listDerivationNodes } from '../db/derivations.ts';
import { isGpuCheck } from '../domain/ci/pool.ts';
import type { UpstreamCaches } from '../runtime/upstream-cache.ts';

/** A derivation to realise, with those of its inputs that are to be realised too. */
export interface NeededDerivation extends DerivationNode {
  readonly neededInputs: readonly string[];
}

/**
 * The derivations that must be realised for `targets`, by drv hash, inputs first.
 * A GPU check is always one of them when a target or a needed derivation names it: its output says nothing of another GPU.
 */
export async function findNeeded(
  db: Database,
  upstreams: UpstreamCaches,
  targets: readonly string[],
): Promise<Map<string, NeededDerivation>> {
  const nodes = new Map<string, DerivationNode>();
  const available = new Set<string>();
  // What was asked of each derivation so far: a later level may want another of its outputs.
  const asked = new Map<string, ReadonlySet<string> | null>();
  const knownBad = new Set(await listFailedWithOutput(db, targets));
  let frontier: ReadonlyMap<string, ReadonlySet<string> | null> = new Map(
    targets.map((hash) => [hash, null]),
  );
  while (frontier.size > 0) {
    for (const [hash, outputs] of frontier) asked.set(hash, merge(asked.get(hash), outputs));
    const level = await listDerivationNodes(db, [...frontier.keys()]);
    const checks = new Set(level.filter((node) => isGpuCheck(node.features)).map((node) => node.drvHash));
    const lacking = await findLacking(
      db,
      upstreams,
      new Map([...frontier].filter(([hash]) => !checks.has(hash))),
    );
    const next = new Map<string, ReadonlySet<string> | null>();
    for (const node of level) {
      if (!checks.has(node.drvHash) && !lacking.has(node.drvHash) && !knownBad.has(node.drvHash)) {
        available.add(node.drvHash);
        continue;
      }
      available.delete(node.drvHash);
      if (nodes.has(node.drvHash)) continue;
      nodes.set(node.drvHash, node);
      for (const { drvHash, outputNames } of node.inputs)
        if (!nodes.has(drvHash) && !covers(asked.get(drvHash), outputNames))
          next.set(drvHash, merge(next.get(drvHash), new Set(outputNames)));
    }
    frontier = next;
  }
  return inputsFirst(nodes);
}

/** Drv hashes of which a wanted output is neither in our cache nor upstream. */
async function findLacking(
  db: Database,
  upstreams: UpstreamCaches,
  wanted: ReadonlyMap<string, ReadonlySet<string> | null>,
): Promise<Set<string>> {
  const uncached = await listUncachedOutputs(db, wanted);
  if (upstreams.urls.length === 0) return new Set(uncached.map((output) => output.drvHash));
  const hashes = [...new Set(uncached.map((output) => output.pathHash))];
  const known = await findUpstreamAnswers(db, hashes);
  const fresh = await upstreams.ask(hashes.filter((hash) => !known.has(hash)));
  await recordUpstreamAnswers(db, fresh);
  const served = (hash: string) => typeof (fresh.get(hash) ?? known.get(hash)) === 'string';
  return new Set(uncached.filter((output) => !served(output.pathHash)).map((output) => output.drvHash));
}

/** `null` asks for all outputs, `undefined` for none yet. */
function merge(
  before: ReadonlySet<string> | null | undefined,
  more: ReadonlySet<string> | null,
): ReadonlySet<string> | null {
  if (before === null || more === null) return null;
  return before === undefined ? more : new Set([...before, ...more]);
}

function covers(asked: ReadonlySet<string> | null | undefined, outputNames: readonly string[]): boolean {
  if (asked === undefined) return false;
  return asked === null || outputNames.every((name) => asked.has(name));
}

function inputsFirst(nodes: ReadonlyMap<string, DerivationNode>): Map<string, NeededDerivation> {
  const ordered = new Map<string, NeededDerivation>();
  // Iterative: a chain of derivations may be longer than the stack is deep.
  for (const root of nodes.keys()) {
    const stack = [{ hash: root, entered: false }];
    while (stack.length > 0) {
      const top = stack.pop();
      const node = top === undefined ? undefined : nodes.get(top.hash);
      if (top === undefined || node === undefined || ordered.has(top.hash)) continue;
      const neededInputs = node.inputs.map((input) => input.drvHash).filter((hash) => nodes.has(hash));
      if (top.entered) {
        ordered.set(top.hash, { ...node, neededInputs });
        continue;
      }
      stack.push(
        { hash: top.hash, entered: true },
        ...neededInputs.map((hash) => ({ hash, entered: false })),
      );
    }
  }
  return ordered;
}
