/** Nix's own database, read beside Nix: what is valid, by path, by the hash of its NAR, and realisations (`src/libstore/schema.sql`, `ca-specific-schema.sql`). */

import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { parseContentAddress } from '../../domain/nix/content-address.ts';
import { formatHash, type NixHash, parseHash } from '../../domain/nix/hash.ts';
import type { PathInfo } from '../../domain/nix/path-info.ts';
import type { Realisation } from '../../domain/nix/realisation.ts';
import { parseStorePath, type StorePath } from '../../domain/nix/store-path.ts';
import { ParseError } from '../../domain/parse-error.ts';

export interface NixDatabase extends Disposable {
  /** By the 32 characters of its hash part. */
  findPath(pathHash: string): PathInfo | undefined;
  /** Paths whose NAR has this hash; several may have the same content. Looks at all of them: some 10 ms a hundred thousand. */
  listPathsByNarHash(narHash: NixHash): readonly StorePath[];
  /** @param derivationHash 64 hexadecimal digits. */
  findRealisation(derivationHash: string, output: string): Realisation | undefined;
}

/** Nix holds its locks for moments only; longer waits are for someone who vacuums. */
const BUSY_MS = 5_000;

/** @throws ParseError where there is no database, or none of Nix's. */
export function openNixDatabase(file: string, storeDir: string): NixDatabase {
  let opened = open(file);
  const frozen = opened.isFrozen;

  /** A database that is read as if nobody wrote to it is opened again when somebody has. */
  const current = (): Opened => {
    if (!frozen || versionOf(file) === opened.version) return opened;
    opened.database.close();
    opened = open(file);
    return opened;
  };
  const paths = (texts: readonly { path: unknown }[]): StorePath[] =>
    texts.map(({ path }) => parseStorePath(String(path), storeDir));

  return {
    findPath: (pathHash) => {
      const { byPrefix, references, database } = current();
      const prefix = `${storeDir}/${pathHash}`;
      // One state of the database: a path that is deleted in between would be told, and signed, without references.
      return inTransaction(database, () => {
        const row = byPrefix.get(prefix) as PathRow | undefined;
        if (row === undefined || !row.path.startsWith(`${prefix}-`)) return undefined;
        return readPath(row, paths(references.all(row.id) as { path: string }[]), storeDir);
      });
    },
    listPathsByNarHash: (narHash) =>
      paths(
        current().byNarHash.all(formatHash(narHash, 'base16'), formatHash(narHash, 'nix32')) as {
          path: string;
        }[],
      ),
    findRealisation: (derivationHash, output) => {
      const now = current();
      // Nix makes these tables when it first needs them.
      now.realisations ??= prepareRealisations(now.database);
      const { realisations, database } = now;
      if (realisations === undefined) return undefined;
      const found = inTransaction(database, () => {
        const row = realisations.one.get(`sha256:${derivationHash}`, output) as RealisationRow | undefined;
        return { row, others: row === undefined ? [] : realisations.dependencies.all(row.id) };
      });
      const { row } = found;
      if (row === undefined) return undefined;
      const others = found.others as unknown as DependencyRow[];
      return {
        outPath: parseStorePath(row.path, storeDir),
        signatures: words(row.signatures),
        dependencies: new Map(
          others.map((other) => [
            `${other.drvPath}!${other.outputName}`,
            parseStorePath(other.path, storeDir),
          ]),
        ),
      };
    },
    [Symbol.dispose]: () => opened.database.close(),
  };
}

function inTransaction<T>(database: DatabaseSync, read: () => T): T {
  database.exec('begin');
  try {
    return read();
  } finally {
    database.exec('commit');
  }
}

interface PathRow {
  readonly id: number;
  readonly path: string;
  readonly hash: string;
  readonly deriver: string | null;
  readonly narSize: number | null;
  readonly ultimate: number | null;
  readonly sigs: string | null;
  readonly ca: string | null;
}

interface RealisationRow {
  readonly id: number;
  readonly path: string;
  readonly signatures: string | null;
}

interface DependencyRow {
  readonly drvPath: string;
  readonly outputName: string;
  readonly path: string;
}

function readPath(row: PathRow, references: StorePath[], storeDir: string): PathInfo | undefined {
  // Registered by a Nix from before 2009: such a path has no size, and so no narinfo.
  if (row.narSize === null || row.narSize <= 0) return undefined;
  return {
    path: parseStorePath(row.path, storeDir),
    narHash: parseHash(row.hash),
    narSize: row.narSize,
    references,
    deriver: row.deriver === null || row.deriver === '' ? null : parseStorePath(row.deriver, storeDir),
    signatures: words(row.sigs),
    ca: row.ca === null || row.ca === '' ? null : parseContentAddress(row.ca),
    ultimate: row.ultimate === 1,
  };
}

function words(text: string | null): string[] {
  return text === null ? [] : text.split(' ').filter((word) => word !== '');
}

interface Opened {
  readonly database: DatabaseSync;
  /** Opened as immutable: nothing of the write-ahead log is seen, and no lock is taken. */
  readonly isFrozen: boolean;
  readonly version: string;
  readonly byPrefix: StatementSync;
  readonly references: StatementSync;
  readonly byNarHash: StatementSync;
  realisations: RealisationStatements | undefined;
}

interface RealisationStatements {
  readonly one: StatementSync;
  readonly dependencies: StatementSync;
}

function open(file: string): Opened {
  const version = versionOf(file);
  // Even a reader writes to the shared memory beside the database, where others use it.
  const isFrozen = !isWritable(dirname(file));
  const location = isFrozen ? new URL('?immutable=1', pathToFileURL(file)) : file;
  const database = new DatabaseSync(location, { readOnly: true, timeout: BUSY_MS });
  try {
    const tables = tablesOf(database);
    if (!tables.has('ValidPaths') || !tables.has('Refs'))
      throw new ParseError('Nix database', file, "one with Nix's tables ValidPaths and Refs");
    return {
      database,
      isFrozen,
      version,
      // As Nix finds a path by its hash part.
      byPrefix: database.prepare(
        'select id, path, hash, deriver, narSize, ultimate, sigs, ca from ValidPaths where path >= ? limit 1',
      ),
      references: database.prepare(
        'select path from Refs join ValidPaths on reference = id where referrer = ?',
      ),
      // Base 16 is what Nix writes, nix32 what it once wrote.
      byNarHash: database.prepare('select path from ValidPaths where hash = ? or hash = ?'),
      realisations: prepareRealisations(database),
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

function tablesOf(database: DatabaseSync): ReadonlySet<unknown> {
  const rows = database.prepare("select name from sqlite_master where type = 'table'").all();
  return new Set(rows.map(({ name }) => name));
}

/** `undefined` where the store has none: content-addressed derivations are an experimental feature. */
function prepareRealisations(database: DatabaseSync): RealisationStatements | undefined {
  const tables = tablesOf(database);
  if (!tables.has('Realisations') || !tables.has('RealisationsRefs')) return undefined;
  return { one: database.prepare(REALISATION), dependencies: database.prepare(DEPENDENCIES) };
}

const REALISATION = `
  select r.id, v.path, r.signatures from Realisations r join ValidPaths v on r.outputPath = v.id
  where r.drvPath = ? and r.outputName = ? limit 1`;
const DEPENDENCIES = `
  select d.drvPath, d.outputName, v.path from RealisationsRefs
  join Realisations d on realisationReference = d.id join ValidPaths v on d.outputPath = v.id
  where referrer = ?`;

/** Changes with the file. @throws ParseError where there is none. */
function versionOf(file: string): string {
  const facts = statSync(file, { throwIfNoEntry: false });
  if (facts === undefined)
    throw new ParseError('Nix database', file, 'a file that exists (--store-dir, NIX_STATE_DIR)');
  return `${facts.ino}-${facts.size}-${facts.mtimeMs}`;
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
