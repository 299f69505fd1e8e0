/** One line of nix-eval-jobs: a job, an error, or an aggregate that has both (reference/experience.md §2). */
import { ParseError } from '../parse-error.ts';
import { asAmount, asArray, asCount, asObject, asString, asStrings, optional, parseJson } from './json.ts';
import type { JsonObject } from './json.ts';
import { isDerivationPath, parseStorePath } from './store-path.ts';
import type { StorePath } from './store-path.ts';

/** What every line has. `attrPath` is the key; `attr` is its text, quoted differently by version, for display only. */
interface EvalLineBase {
  readonly attrPath: readonly string[];
  readonly attr: string;
  readonly warnings: readonly string[];
  readonly traces: readonly string[];
  /** What evaluating this attribute cost; absent before September 2026. */
  readonly stats: { readonly wallMs: number; readonly allocBytes: number } | null;
}

export type EvalLine = EvalLineBase &
  (
    | { readonly kind: 'job'; readonly job: EvalJob }
    | { readonly kind: 'error'; readonly error: EvalError }
    /** An aggregate whose derivation exists though some constituents do not. */
    | { readonly kind: 'broken-aggregate'; readonly job: EvalJob; readonly error: EvalError }
  );

/** A derivation found; what a version or a flag leaves out is null, which says "not known", not "none". */
export interface EvalJob {
  readonly name: string;
  readonly system: string;
  readonly drvPath: StorePath;
  /** Each output's path; null for content-addressed and impure outputs. */
  readonly outputs: Readonly<Record<string, StorePath | null>>;
  readonly inputDrvs: Readonly<Record<string, readonly string[]>> | null;
  readonly requiredSystemFeatures: readonly string[] | null;
  readonly meta: JsonObject | null;
  readonly extraValue: unknown;
  readonly constituents: readonly string[] | null;
  readonly namedConstituents: readonly string[] | null;
  readonly globConstituents: boolean | null;
  /** Advisory: some versions say `notBuilt` falsely. */
  readonly cacheStatus: 'local' | 'cached' | 'notBuilt' | null;
  readonly neededBuilds: readonly StorePath[] | null;
  readonly neededSubstitutes: readonly StorePath[] | null;
}

export interface EvalError {
  readonly text: string;
  /** True where the evaluation as a whole ended; false too where the version does not say. */
  readonly fatal: boolean;
}

const FORMAT = 'nix-eval-jobs line';

/** Parses one line of standard output. Unknown fields are passed over; a known field of the wrong shape is refused. */
export function parseEvalLine(line: string, storeDir?: string): EvalLine {
  const json = asObject(FORMAT, parseJson(FORMAT, line));
  const base: EvalLineBase = {
    attrPath: asStrings(FORMAT, json['attrPath']),
    attr: asString(FORMAT, json['attr']),
    warnings: optional(json['warnings'], strings) ?? [],
    traces: optional(json['traces'], strings) ?? [],
    stats: optional(json['stats'], readStats),
  };
  const error = optional(json['error'], (text): EvalError => ({
    text: asString(FORMAT, text),
    fatal: json['fatal'] === true,
  }));
  const job = json['drvPath'] === undefined ? null : readJob(json, storeDir);
  if (job !== null && error !== null) return { ...base, kind: 'broken-aggregate', job, error };
  if (job !== null) return { ...base, kind: 'job', job };
  if (error !== null) return { ...base, kind: 'error', error };
  throw new ParseError(FORMAT, line, 'a line with drvPath or error');
}

function readJob(json: JsonObject, storeDir: string | undefined): EvalJob {
  const path = (value: unknown): StorePath => parseStorePath(asString(FORMAT, value), storeDir);
  const paths = (value: unknown): StorePath[] => asArray(FORMAT, value).map(path);
  return {
    name: asString(FORMAT, json['name']),
    system: asString(FORMAT, json['system']),
    drvPath: readDerivationPath(path(json['drvPath'])),
    outputs: mapValues(json['outputs'], (value) => optional(value, path)),
    inputDrvs: optional(json['inputDrvs'], (value) => mapValues(value, strings)),
    requiredSystemFeatures: optional(json['requiredSystemFeatures'], strings),
    meta: optional(json['meta'], (value) => asObject(FORMAT, value)),
    extraValue: json['extraValue'] ?? null,
    constituents: optional(json['constituents'], strings),
    namedConstituents: optional(json['namedConstituents'], strings),
    globConstituents: typeof json['globConstituents'] === 'boolean' ? json['globConstituents'] : null,
    cacheStatus: readCacheStatus(json),
    neededBuilds: optional(json['neededBuilds'], paths),
    neededSubstitutes: optional(json['neededSubstitutes'], paths),
  };
}

/** Versions before 2.23 know only `isCached`, which does not tell local from substitutable. */
function readCacheStatus(json: JsonObject): EvalJob['cacheStatus'] {
  const status = json['cacheStatus'];
  if (status === 'local' || status === 'cached' || status === 'notBuilt') return status;
  if (typeof json['isCached'] !== 'boolean') return null;
  return json['isCached'] ? 'cached' : 'notBuilt';
}

function readDerivationPath(path: StorePath): StorePath {
  if (!isDerivationPath(path)) throw new ParseError(FORMAT, path, 'a path that ends in .drv');
  return path;
}

function readStats(value: unknown): NonNullable<EvalLineBase['stats']> {
  const stats = asObject(FORMAT, value);
  return { wallMs: asAmount(FORMAT, stats['wallMs']), allocBytes: asCount(FORMAT, stats['allocBytes']) };
}

function mapValues<T>(value: unknown, read: (value: unknown) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(asObject(FORMAT, value)).map(([key, item]) => [key, read(item)]));
}

function strings(value: unknown): string[] {
  return asStrings(FORMAT, value);
}
