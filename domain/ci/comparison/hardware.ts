/** Whose fault a consistent failure is, by architectures and drivers: the last comparisons of `attribute.ts`. */

import { verdict, type Comparison, type MissingEvidence } from './comparison.ts';
import { NEED } from './missing.ts';
import type { Cell, CodeInventory } from './results.ts';
import { distinct, failsAlways, passesAlways, places } from './results.ts';

export interface HardwareInput {
  /** Cells that fail always, beside no failing canary. Never empty. */
  readonly failing: readonly Cell[];
  readonly passing: readonly Cell[];
  /** The base's cells with CUDA. */
  readonly base: readonly Cell[];
  readonly code: CodeInventory;
}

export function attributeByHardware(input: HardwareInput): Comparison {
  return (
    byMissingCode(input) ??
    byDriverOfBase(input) ??
    (input.passing.length > 0 ? amongArchitectures(input) : everywhere(input))
  );
}

/** No cubin and no PTX serves the GPUs that fail, and canaries pass there: nothing else is needed. */
function byMissingCode({ failing, passing, code }: HardwareInput): Comparison | null {
  const architectures = distinct(failing.map(({ architecture }) => architecture));
  if (architectures.length === 0 || !architectures.every((name) => code[name] === false)) return null;
  if (passing.some(({ architecture }) => architecture !== null && code[architecture] === false)) return null;
  const isSure = failing.every(({ canary }) => canary === 'passed');
  const sentence = `It fails on ${architectures.join(', ')}, for which the package holds neither cubin nor PTX: add the architecture, or do not schedule it there.`;
  return verdict('architecture', 'code-inventory', isSure ? 0.97 : 0.85, sentence, {
    missing: isSure ? [] : [NEED.canary(hostsOf(failing))],
  });
}

/** The base was run with another driver only, so revision and driver changed at once. */
function byDriverOfBase({ failing, passing, base }: HardwareInput): Comparison | null {
  const now = distinct(failing.map(({ driver }) => driver));
  const before = distinct(base.filter(passesAlways).map(({ driver }) => driver));
  const isConfounded =
    passing.length === 0 &&
    now.length > 0 &&
    before.length > 0 &&
    !before.some((driver) => now.includes(driver));
  if (!isConfounded || base.some(failsAlways)) return null;
  const sentence = `The base passes with driver ${before.join(', ')}, this revision fails with ${now.join(', ')}: revision and driver changed at once, so either is at fault.`;
  return verdict('undecided', null, 0, sentence, {
    candidates: ['code', 'driver'],
    missing: [NEED.base(`with driver ${now.join(', ')}`)],
  });
}

function amongArchitectures({ failing, passing, base, code }: HardwareInput): Comparison {
  const bad = distinct(failing.map(({ architecture }) => architecture));
  const badDrivers = distinct(failing.map(({ driver }) => driver));
  const goodDrivers = distinct(passing.map(({ driver }) => driver));
  const where = `It fails on ${places(failing)} and passes on ${places(passing)}`;
  const isByDriver =
    badDrivers.length > 0 &&
    goodDrivers.length > 0 &&
    !badDrivers.some((driver) => goodDrivers.includes(driver));
  if (isByDriver && bad.length > 1 && badDrivers.length === 1) {
    const sentence = `${where}: architectures that fail have only driver ${badDrivers[0]} in common, which none that passes has.`;
    return verdict('driver', 'drivers', 0.8, sentence);
  }
  const hosts = distinct(failing.map(({ host }) => host));
  const isCanaryGood = failing.every(({ canary }) => canary === 'passed');
  if (isByDriver) {
    return verdict('undecided', null, 0, `${where}, but drivers differ as well: architecture or driver.`, {
      candidates: ['architecture', 'driver'],
      missing: [NEED.otherDriver(`${bad.join(', ')} with driver ${goodDrivers[0]}`), ...needCanary(failing)],
    });
  }
  if (hosts.length > bad.length) {
    const sentence = `${where}: all ${hosts.length} hosts with ${bad.join(', ')} fail alike, so the architecture decides.`;
    return verdict('architecture', 'architectures', isCanaryGood ? 0.93 : 0.82, sentence, {
      missing: needCanary(failing),
    });
  }
  return onlyHost({ where, bad, failing, base, code, isCanaryGood });
}

interface OnlyHost {
  readonly where: string;
  readonly bad: readonly string[];
  readonly failing: readonly Cell[];
  readonly base: readonly Cell[];
  readonly code: CodeInventory;
  readonly isCanaryGood: boolean;
}

/** One host an architecture: whether the host is at fault is known by its canary, whether the code is, by nothing here. */
function onlyHost({ where, bad, failing, base, code, isCanaryGood }: OnlyHost): Comparison {
  const name = bad.join(', ') || 'that GPU';
  const missing: MissingEvidence[] = [...needCanary(failing)];
  const unknown = bad.filter((architecture) => code[architecture] === undefined);
  if (unknown.length > 0) missing.push(NEED.code(unknown.join(', ')));
  const isBaseGood = failing.every((cell) =>
    base.some(
      (other) => other.architecture === cell.architecture && other.host === cell.host && passesAlways(other),
    ),
  );
  // The base passing on the very host speaks for it as a canary does.
  if (!isCanaryGood && !isBaseGood) {
    return verdict(
      'undecided',
      null,
      0,
      `${where}, the only host of ${name}, and its canary was not run: host, architecture or code.`,
      {
        candidates: ['host', 'architecture', 'code'],
        missing: [...missing, NEED.secondHost(name)],
      },
    );
  }
  const proof = isCanaryGood ? 'the known good check passes there' : 'the base passes there';
  return verdict(
    'undecided',
    null,
    0,
    `${where}, the only host of ${name}, and ${proof}: code or architecture.`,
    {
      candidates: ['code', 'architecture'],
      missing: [...missing, NEED.secondHost(name)],
    },
  );
}

function everywhere({ failing, base, code }: HardwareInput): Comparison {
  const architectures = distinct(failing.map(({ architecture }) => architecture));
  const hosts = distinct(failing.map(({ host }) => host));
  if (hosts.length < 2) return onOneHost({ failing, base, code, architectures });
  if (architectures.length < 2) {
    return verdict(
      'undecided',
      null,
      0,
      `It fails on all ${hosts.length} hosts, but all have ${architectures[0] ?? 'no known GPU'}: code or architecture.`,
      {
        candidates: ['code', 'architecture'],
        missing: [NEED.otherArchitecture(), ...needCanary(failing), ...needBase(base)],
      },
    );
  }
  const isCanaryGood = failing.every(({ canary }) => canary === 'passed');
  const sentence = `It fails on every host (${places(failing)})${isCanaryGood ? ', where the known good check passes' : ''}: the package or an input of it is at fault.`;
  return verdict('code', 'architectures', isCanaryGood ? 0.93 : 0.82, sentence, {
    missing: [...needCanary(failing), ...needBase(base)],
  });
}

interface OnOneHost extends Pick<HardwareInput, 'failing' | 'base' | 'code'> {
  readonly architectures: readonly string[];
}

function onOneHost({ failing, base, code, architectures }: OnOneHost): Comparison {
  const [name = null] = architectures;
  const host = hostsOf(failing);
  if (name === null) {
    // No GPU took part: a build, which does not depend on the host as a rule.
    return verdict(
      'code',
      'outcome',
      0.75,
      `It fails on ${host}, and no GPU takes part: the package is at fault.`,
      {
        missing: needBase(base),
      },
    );
  }
  const comparison = onlyHost({
    where: `It fails on ${places(failing)}`,
    bad: [name],
    failing,
    base,
    code,
    isCanaryGood: failing.every(({ canary }) => canary === 'passed'),
  });
  return { ...comparison, missing: [...comparison.missing, NEED.otherArchitecture(), ...needBase(base)] };
}

const hostsOf = (cells: readonly Cell[]): string => distinct(cells.map(({ host }) => host)).join(', ');

function needCanary(failing: readonly Cell[]): MissingEvidence[] {
  const without = failing.filter(({ canary }) => canary === null);
  return without.length === 0 ? [] : [NEED.canary(hostsOf(without))];
}

function needBase(base: readonly Cell[]): MissingEvidence[] {
  return base.length === 0 ? [NEED.base('on the same hosts')] : [];
}
