/** A proof, by structure, that a regular expression cannot run away: an upper bound of the ways it tries from one place. */

import type { CharSet, Shape } from '../../domain/ci/classification/pattern/shape.ts';

/**
 * Upper bound of the paths a backtracking matcher tries from one start position; Infinity where the structure gives none.
 *
 * A repetition of one character set costs the number of lengths it can give back, unless what follows cannot begin with a
 * character of that set: then a shorter length fails at once and the repetition costs one way only.
 */
export function backtrackingBound(shape: Shape): number {
  return boundOf(shape, null);
}

function boundOf(shape: Shape, follow: CharSet | null): number {
  switch (shape.kind) {
    case 'char':
    case 'assertion':
      return 1;
    case 'choice':
      return choiceBound(shape.options, follow);
    case 'sequence':
      return sequenceBound(shape.items, follow);
    case 'repeat':
      return repeatBound(shape, follow);
  }
}

/**
 * Options without repetition are tried one after the other at the same place and give the rest one try each only if they
 * match there; texts that differ cannot all do that. Options that begin differently exclude each other in any case.
 */
function choiceBound(options: readonly Shape[], follow: CharSet | null): number {
  const bounds = options.map((option) => boundOf(option, follow));
  const firsts = options.map((option) => firstOf(option, follow));
  const excludeEachOther = firsts.every((set, index) =>
    firsts.slice(index + 1).every((other) => set !== null && other !== null && !overlaps(set, other)),
  );
  if (excludeEachOther || options.every(isFixedText)) return Math.max(...bounds);
  return bounds.reduce((sum, bound) => sum + bound, 0);
}

/** Whether a choice inside offers two texts of which one begins with the other: harmless once, exponential in a loop. */
function hasAmbiguousChoice(shape: Shape): boolean {
  if (shape.kind === 'sequence') return shape.items.some(hasAmbiguousChoice);
  if (shape.kind === 'repeat') return hasAmbiguousChoice(shape.item);
  if (shape.kind !== 'choice') return false;
  const firsts = shape.options.map((option) => firstOf(option, null));
  return firsts.some((set, index) =>
    firsts.slice(index + 1).some((other) => set === null || other === null || overlaps(set, other)),
  );
}

function isFixedText(shape: Shape): boolean {
  switch (shape.kind) {
    case 'char':
    case 'assertion':
      return true;
    case 'sequence':
      return shape.items.every(isFixedText);
    case 'choice':
      return shape.options.every(isFixedText);
    case 'repeat':
      return shape.max <= 1 && isFixedText(shape.item);
  }
}

function sequenceBound(items: readonly Shape[], follow: CharSet | null): number {
  return items.reduce((product, item, index) => {
    const rest = items.slice(index + 1);
    return product * boundOf(item, firstOf({ kind: 'sequence', items: rest }, follow));
  }, 1);
}

function repeatBound(shape: Shape & { kind: 'repeat' }, follow: CharSet | null): number {
  if (shape.max === shape.min) return boundOf(shape.item, null) ** shape.max;
  if (shape.max === 1) {
    const first = firstOf(shape.item, null);
    const canSkip = follow === null || first === null || overlaps(first, follow);
    return boundOf(shape.item, follow) + (canSkip ? 1 : 0);
  }
  // A group repeated a variable number of times is allowed only if each round, seen from the next, can go one way.
  if (shape.item.kind !== 'char') {
    const again = union([firstOf(shape.item, null), follow]);
    if (boundOf(shape.item, again) > 1 || hasAmbiguousChoice(shape.item)) return Infinity;
  }
  const set = firstOf(shape.item, null);
  // Nothing behind it: the first length tried is taken. Disjoint: no length but the longest can go on.
  if (follow === null || set === null || !overlaps(set, follow)) return 1;
  return shape.max - shape.min + 1;
}

/** Characters with which a shape, or what follows it, can begin; null where nothing need follow. */
function firstOf(shape: Shape, follow: CharSet | null): CharSet | null {
  switch (shape.kind) {
    case 'char':
      return shape.set;
    case 'assertion':
      return follow;
    case 'choice':
      return union(shape.options.map((option) => firstOf(option, follow)));
    case 'repeat': {
      const first = firstOf(shape.item, follow);
      return shape.min === 0 ? union([first, follow]) : first;
    }
    case 'sequence': {
      const [head, ...tail] = shape.items;
      if (head === undefined) return follow;
      return firstOf(head, firstOf({ kind: 'sequence', items: tail }, follow));
    }
  }
}

/** Null (nothing need follow) wins nowhere: a set that may be followed by nothing is still bounded by the other sets. */
function union(sets: readonly (CharSet | null)[]): CharSet | null {
  const known = sets.filter((set) => set !== null);
  const [first] = known;
  if (first === undefined) return null;
  return { has: first.has.map((_, code) => known.some((set) => set.has[code] === true)) };
}

function overlaps(a: CharSet, b: CharSet): boolean {
  return a.has.some((isIn, code) => isIn && b.has[code] === true);
}
