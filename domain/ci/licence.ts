/** What a licence allows, by its attributes: names say nothing ("CUDA EULA" is two licences, and only one may be redistributed). */

/** From what everybody may have to what nobody is known to be allowed; the order is what "more restrictive" means. */
export const LICENCE_CLASSES = ['free', 'redistributable', 'unfree', 'unknown', 'missing'] as const;
/** `missing`: a member of the closure that nobody has. */
export type LicenceClass = (typeof LICENCE_CLASSES)[number];

/** One licence of `meta.license`, as the evaluator keeps it. */
export interface Licence {
  readonly shortName?: string;
  readonly spdxId?: string;
  readonly fullName?: string;
  readonly free?: boolean;
  readonly redistributable?: boolean;
}

/** The place of a class among them: larger is more restrictive. */
export function licenceRank(licenceClass: LicenceClass): number {
  return LICENCE_CLASSES.indexOf(licenceClass);
}

export function licenceClassOf(rank: number): LicenceClass {
  return LICENCE_CLASSES[rank] ?? 'unknown';
}

/** `CUDA EULA`, `cuda-eula` and `CUDA_EULA` are one name. */
export function licenceName(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9.+]+/g, '-');
}

export function parseLicences(meta: Readonly<Record<string, unknown>>): readonly Licence[] {
  const { license } = meta;
  return Array.isArray(license) ? (license as Licence[]) : [];
}

/**
 * The class of a package by its `meta`: the most restrictive of its licences, since Nixpkgs lists what applies together.
 * `undefined` where it states none. A licence that does not say whether it is free is unknown, whatever it is called.
 * @param allowed names (`licenceName`) that the operator has cleared; they count as free.
 */
export function classifyMeta(
  meta: Readonly<Record<string, unknown>>,
  allowed: ReadonlySet<string> = new Set(),
): LicenceClass | undefined {
  const classes = parseLicences(meta).map((licence) => classOf(licence, allowed));
  if (classes.length === 0) return meta['unfree'] === true ? 'unfree' : undefined;
  return classes.reduce((worst, one) => (licenceRank(one) > licenceRank(worst) ? one : worst));
}

function classOf(licence: Licence, allowed: ReadonlySet<string>): LicenceClass {
  const { shortName, spdxId, fullName, free, redistributable } = licence;
  const names = [shortName, spdxId, fullName].filter((name) => name !== undefined);
  if (names.some((name) => allowed.has(licenceName(name)))) return 'free';
  if (free === true) return 'free';
  if (free === false) return redistributable === true ? 'redistributable' : 'unfree';
  // A text in place of a licence; check-meta.nix knows this one.
  return shortName === 'unfree' ? 'unfree' : 'unknown';
}

/** `MIT`, `CUDA EULA` … for a sentence. */
export function describeLicences(licences: readonly Licence[]): string {
  const names = licences.map(({ spdxId, shortName, fullName }) => spdxId ?? shortName ?? fullName ?? '?');
  return names.length === 0 ? 'no licence' : [...new Set(names)].join(', ');
}
