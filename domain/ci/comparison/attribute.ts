/**
 * The verdict table of reference/cuda.md §4.3 as one function: whose fault a failing check is, by comparing where it passes and
 * where it fails. Order: canary, repetition, hosts of one architecture, the package without CUDA, base, drivers, architectures.
 */

import { verdict, type Comparison } from './comparison.ts';
import { attributeByHardware } from './hardware.ts';
import { NEED } from './missing.ts';
import type { Cell, CheckResult, CodeInventory } from './results.ts';
import { cellsOf, distinct, failsAlways, isFlaky, passesAlways, places } from './results.ts';

export interface ComparisonInput {
  readonly results: readonly CheckResult[];
  /** By architecture, whether the package holds code for it; leave out what was not looked up. */
  readonly code?: CodeInventory;
}

/** Judges the head revision's check with CUDA. Total: results that contradict each other or lack end as `undecided`. */
export function attributeFailure({ results, code = {} }: ComparisonInput): Comparison {
  const without = cellsOf(results, 'head', 'nocuda');
  const cudaOnly = without.length === 0 ? null : !without.some(failsAlways);
  return { ...attribute(results, code, without), cudaOnly };
}

function attribute(
  results: readonly CheckResult[],
  code: CodeInventory,
  without: readonly Cell[],
): Comparison {
  const head = cellsOf(results, 'head', 'cuda');
  if (head.length === 0) return nothingRan(results);
  if (head.every(passesAlways)) {
    return verdict('none', 'outcome', 0.99, `It passes wherever it ran: ${places(head)}.`);
  }
  // Where the known good check fails too, a failure says nothing of the package; a pass still does.
  const healthy = head.filter((cell) => cell.canary !== 'failed' || passesAlways(cell));
  const failing = healthy.filter(failsAlways);
  if (failing.length === 0) return byCanaryOrRepetition(head, healthy);
  return (
    byHosts(healthy, failing) ??
    byVariant(results, without) ??
    byBase(results, failing) ??
    attributeByHardware({
      failing,
      passing: healthy.filter(passesAlways),
      base: cellsOf(results, 'base', 'cuda'),
      code,
    })
  );
}

function nothingRan(results: readonly CheckResult[]): Comparison {
  const ofHead = results.filter(({ side, variant }) => side === 'head' && variant === 'cuda');
  if (ofHead.some(({ outcome }) => outcome === 'infrastructure')) {
    const hosts = distinct(ofHead.map(({ host }) => host)).join(', ');
    const sentence = `No attempt got as far as the check (${hosts}): repeat it once the builders are in order.`;
    return verdict('infrastructure', 'outcome', 0.9, sentence);
  }
  const sentence = ofHead.some(({ outcome }) => outcome === 'not-tested')
    ? 'Every run skipped its tests or did without the GPU, so nothing is proven.'
    : 'The check has not run.';
  return verdict('undecided', null, 0, sentence, { candidates: [], missing: [NEED.head()] });
}

/** Nothing fails but beside a failing canary, or on repetition. */
function byCanaryOrRepetition(head: readonly Cell[], healthy: readonly Cell[]): Comparison {
  const flaky = healthy.filter(isFlaky);
  if (flaky.length > 0) {
    const runs = flaky.map(({ host, passes, failures }) => `${failures} of ${passes + failures} on ${host}`);
    const sentence = `Repeated on the same host and driver it fails and passes (${runs.join(', ')}): record it as flaky, do not hide it.`;
    return verdict('flaky', 'repetition', 0.95, sentence);
  }
  const sick = head.filter((cell) => cell.canary === 'failed' && !passesAlways(cell));
  const hosts = distinct(sick.map(({ host }) => host));
  const others = head.filter(passesAlways);
  const byDriver = driverOfSick(sick, head);
  if (byDriver !== null) return byDriver;
  if (hosts.length > 1 && others.length === 0) {
    const sentence = `The known good check fails on all ${hosts.length} hosts (${hosts.join(', ')}) too: look for what they share before judging the package.`;
    return verdict('infrastructure', 'canary', 0.85, sentence);
  }
  const sentence = `The known good check fails on ${hosts.join(', ')} too: quarantine it and queue the check again.`;
  return verdict('host', 'canary', 0.92, sentence);
}

/** Canaries that fail on every host of one driver, and pass on every host of the others. */
function driverOfSick(sick: readonly Cell[], head: readonly Cell[]): Comparison | null {
  const drivers = distinct(sick.map(({ driver }) => driver));
  const hosts = distinct(sick.map(({ host }) => host));
  const well = head.filter((cell) => cell.canary === 'passed' || passesAlways(cell));
  if (drivers.length !== 1 || hosts.length < 2 || well.length === 0) return null;
  if (well.some(({ driver }) => driver === null || driver === drivers[0])) return null;
  const sentence = `The known good check fails on every host with driver ${drivers[0]} (${hosts.join(', ')}) and on none with another: the driver is at fault.`;
  return verdict('driver', 'drivers', 0.88, sentence);
}

/** One host fails and another of the same architecture passes; the driver is named instead where it explains as much. */
function byHosts(healthy: readonly Cell[], failing: readonly Cell[]): Comparison | null {
  const split = failing.flatMap((cell) => {
    const passing = healthy.filter(
      (other) => other.architecture === cell.architecture && passesAlways(other),
    );
    return passing.length === 0 ? [] : [{ cell, passing }];
  });
  // Another architecture that fails as a whole is not explained by one bad host.
  if (split.length < failing.length || split.length === 0) return null;
  const fails = distinct(split.map(({ cell }) => cell.host));
  const passes = distinct(split.flatMap(({ passing }) => passing.map(({ host }) => host)));
  const bad = distinct(failing.map(({ driver }) => driver));
  const good = healthy.filter(passesAlways).map(({ driver }) => driver);
  const isByDriver = bad.length === 1 && !good.includes(bad[0] ?? null) && !good.includes(null);
  const driver = bad[0];
  const where = `It fails on ${fails.join(', ')} and passes on ${passes.join(', ')} of the same architecture`;
  if (!isByDriver || driver === undefined) {
    return verdict('host', 'hosts', 0.9, `${where}: suspect the host, repeat the check on the other.`);
  }
  if (fails.length > 1) {
    const sentence = `${where}, and exactly the hosts with driver ${driver} fail: the driver is at fault.`;
    return verdict('driver', 'drivers', 0.88, sentence);
  }
  const sentence = `${where}, but it also has another driver (${driver}): host or driver.`;
  return verdict('undecided', null, 0, sentence, {
    candidates: ['host', 'driver'],
    missing: [
      NEED.otherDriver(`${passes[0]} with driver ${driver}, or ${fails[0]} with that of ${passes[0]}`),
    ],
  });
}

/** The package fails without CUDA as well: no GPU, no host of one and no driver has a part in it. */
function byVariant(results: readonly CheckResult[], without: readonly Cell[]): Comparison | null {
  if (!without.some(failsAlways)) return null;
  const base = cellsOf(results, 'base', 'nocuda');
  if (base.length > 0 && base.every(failsAlways)) {
    return verdict(
      'pre-existing',
      'base',
      0.95,
      'It fails without CUDA as well, and so does the base: not of this change.',
    );
  }
  const missing = base.length === 0 ? [NEED.base('without CUDA')] : [];
  return verdict(
    'code',
    'variant',
    0.93,
    'It fails without CUDA as well: the package is at fault, and CUDA is not.',
    { missing },
  );
}

/** The base fails in the same places. */
function byBase(results: readonly CheckResult[], failing: readonly Cell[]): Comparison | null {
  const base = cellsOf(results, 'base', 'cuda').filter(
    (cell) => cell.canary !== 'failed' || passesAlways(cell),
  );
  const known = failing.filter((cell) => base.some((other) => isSamePlace(cell, other)));
  if (known.length < failing.length) return null;
  const isOld = failing.every((cell) => base.some((other) => isSamePlace(cell, other) && failsAlways(other)));
  if (!isOld) return null;
  // Where the base passes elsewhere on another driver, it is the driver that changed, not the package.
  const oldDrivers = distinct(base.filter(passesAlways).map(({ driver }) => driver));
  const newDrivers = distinct(failing.map(({ driver }) => driver));
  if (newDrivers.length === 1 && oldDrivers.length > 0 && !oldDrivers.includes(newDrivers[0] ?? '')) {
    const sentence = `The base passes with driver ${oldDrivers.join(', ')} and fails with ${newDrivers[0]}, as this revision does: the driver is at fault.`;
    return verdict('driver', 'drivers', 0.88, sentence);
  }
  return verdict(
    'pre-existing',
    'base',
    0.95,
    `The base fails in the same places (${places(failing)}): not of this change.`,
  );
}

const isSamePlace = (one: Cell, other: Cell): boolean =>
  one.architecture === other.architecture &&
  (one.driver === other.driver || one.driver === null || other.driver === null);
