/** Ingest: takes store paths into the cache, after computing again all that their builder claims. */

import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type { Connection } from '../../db/database.ts';
import {
  findUpstreamPaths,
  insertStorePaths,
  listInputClosureHashes,
  listStorePaths,
  type IndexedPath,
  recordProvenance,
} from '../../db/store-paths.ts';
import type { Claim, Declare, Declared } from '../../domain/api/ingest.ts';
import { sortClosure } from '../../domain/nix/closure.ts';
import { parseContentAddress, formatContentAddress } from '../../domain/nix/content-address.ts';
import { formatHash, hashOf, parseHash } from '../../domain/nix/hash.ts';
import { writeNar } from '../../domain/nix/nar-write.ts';
import type { SecretKey } from '../../domain/nix/signature.ts';
import { fingerprint, formatSignature, signFingerprint } from '../../domain/nix/signature.ts';
import { parseStorePath, type StorePath, storePathHash } from '../../domain/nix/store-path.ts';
import { ParseError } from '../../domain/parse-error.ts';
import { ConflictError, NotFoundError } from '../errors.ts';
import type { CacheFolder } from './cache-folder.ts';
import { compareWithClaim, DEFAULT_LEVEL, type MeasuredNar, measureNar } from './measure-nar.ts';
import { renderNarInfo } from './render-narinfo.ts';

export interface IngestDeps {
  readonly connection: Connection;
  readonly folder: CacheFolder;
  readonly secretKey: SecretKey;
  readonly storeDir: string;
  readonly now: () => number;
}

export interface Ingest {
  /** Takes note of claims, and says which bytes are wanted. */
  declare(declaration: Declare): Promise<Declared>;
  /**
   * Takes the NAR of one claimed path.
   * @throws ParseError where the bytes are not what was claimed; ConflictError where a reference is not in the cache yet.
   */
  receive(ingestId: string, pathHash: string, nar: Readable): Promise<void>;
}

interface Declaration {
  readonly attemptId: number | null;
  readonly claims: ReadonlyMap<string, CheckedClaim>;
  readonly expiresAt: number;
}

interface CheckedClaim {
  readonly path: StorePath;
  readonly narHash: string;
  readonly narSize: number;
  readonly references: readonly StorePath[];
  readonly deriver: StorePath | null;
  readonly ca: string | null;
}

/** Longer than any upload between two of its requests. */
const DECLARATION_MS = 24 * 3600 * 1000;

export function createIngest(deps: IngestDeps): Ingest {
  const declarations = new Map<string, Declaration>();

  return {
    declare: async ({ attemptId, claims, inline = {} }) => {
      for (const [id, { expiresAt }] of declarations) if (expiresAt < deps.now()) declarations.delete(id);
      const checked = claims.map((claim) => checkClaim(claim, deps.storeDir));
      const byHash = new Map(checked.map((claim) => [storePathHash(claim.path), claim]));
      const present = await listStorePaths(deps.connection.db, [...byHash.keys()]);
      const differing = present.filter((row) => byHash.get(row.pathHash)?.narHash !== row.narHash);
      for (const { pathHash } of differing)
        await recordProvenance(deps.connection.db, {
          pathHash,
          attemptId,
          narHash: byHash.get(pathHash)?.narHash ?? '',
          accepted: false,
        });
      const have = new Set(present.map((row) => row.pathHash));
      const missing: string[] = [];
      for (const hash of inReferenceOrder(byHash)) {
        const claim = byHash.get(hash);
        if (have.has(hash) || claim === undefined) continue;
        const nar = inline[hash];
        // Once one has to be uploaded, what refers to it has to wait.
        if (nar === undefined || missing.length > 0) missing.push(hash);
        else await receiveClaimed(deps, claim, attemptId, Readable.from([Buffer.from(nar, 'base64')]));
      }
      const ingestId = randomUUID();
      if (missing.length > 0)
        declarations.set(ingestId, { attemptId, claims: byHash, expiresAt: deps.now() + DECLARATION_MS });
      return { ingestId, missing, differing: differing.map((row) => row.path) };
    },

    receive: async (ingestId, pathHash, nar) => {
      const declaration = declarations.get(ingestId);
      const claim = declaration?.claims.get(pathHash);
      if (declaration === undefined || claim === undefined)
        throw new NotFoundError(
          `ingest ${ingestId} has no claim for ${pathHash}: declare it (again), then upload`,
        );
      await receiveClaimed(deps, claim, declaration.attemptId, nar);
    },
  };
}

function checkClaim(claim: Claim, storeDir: string): CheckedClaim {
  const hash = parseHash(claim.narHash);
  if (hash.algorithm !== 'sha256') throw new ParseError('narHash', claim.narHash, 'a sha256 hash');
  return {
    path: parseStorePath(claim.path, storeDir),
    narHash: formatHash(hash),
    narSize: claim.narSize,
    references: claim.references.map((reference) => parseStorePath(reference, storeDir)),
    deriver: claim.deriver === null ? null : parseStorePath(claim.deriver, storeDir),
    ca: claim.ca === null ? null : formatContentAddress(parseContentAddress(claim.ca)),
  };
}

/** References before what refers to them, whatever order they came in. */
function inReferenceOrder(claims: ReadonlyMap<string, CheckedClaim>): string[] {
  return sortClosure([...claims.keys()], (hash) =>
    (claims.get(hash)?.references ?? []).map(storePathHash).filter((other) => claims.has(other)),
  );
}

async function receiveClaimed(
  deps: IngestDeps,
  claim: CheckedClaim,
  attemptId: number | null,
  nar: Readable,
): Promise<void> {
  const pathHash = storePathHash(claim.path);
  await requireReferences(deps, claim);
  const file = deps.folder.temporaryFile();
  try {
    // What the derivation could refer to is looked for too: a reference that was left out of the claim would break clients.
    const possible =
      claim.deriver === null
        ? []
        : await listInputClosureHashes(deps.connection.db, storePathHash(claim.deriver));
    const candidates = new Set([pathHash, ...claim.references.map(storePathHash), ...possible]);
    const measured = await measureNar({
      source: nar,
      compression: 'none',
      maxBytes: claim.narSize,
      candidates,
      file,
      level: DEFAULT_LEVEL,
    });
    compareWithClaim(
      {
        ...claim,
        referenceHashes: claim.references.map(storePathHash),
        isContentAddressed: claim.ca !== null,
      },
      measured,
    );
    await store(deps, claim, measured, file, attemptId);
  } finally {
    await rm(file, { force: true });
  }
}

async function requireReferences({ connection: { db } }: IngestDeps, claim: CheckedClaim): Promise<void> {
  const others = claim.references.filter((reference) => reference !== claim.path).map(storePathHash);
  const have = new Set((await listStorePaths(db, others)).map((row) => row.pathHash));
  const lacking = others.filter((hash) => !have.has(hash));
  const upstream = new Set(await findUpstreamPaths(db, lacking));
  const missing = claim.references.filter(
    (reference) => lacking.includes(storePathHash(reference)) && !upstream.has(storePathHash(reference)),
  );
  if (missing.length > 0)
    throw new ConflictError(
      `${claim.path} refers to ${missing.join(', ')}, which the cache does not have yet: send references first`,
    );
}

async function store(
  { connection, folder, secretKey }: IngestDeps,
  claim: CheckedClaim,
  measured: MeasuredNar,
  file: string,
  attemptId: number | null,
): Promise<void> {
  const url = `nar/${measured.fileHash.slice('sha256:'.length)}.nar.zst`;
  const row = newStorePath(claim, measured, url, secretKey);
  const isNew = await connection.transaction(async (tx) => {
    const { pathHash } = row;
    const [entered] = await insertStorePaths(tx, [row]);
    // Two may have been told that it is missing: the bytes of who came first stay.
    const [published] = await listStorePaths(tx, [pathHash]);
    const accepted = published?.narHash === measured.narHash;
    await recordProvenance(tx, { pathHash, attemptId, narHash: measured.narHash, accepted });
    if (entered !== undefined) await folder.place(file, url);
    return entered !== undefined;
  });
  if (!isNew) return;
  // Not synced: after a power cut it is rendered again from the index.
  await folder.write(`${row.pathHash}.narinfo`, renderNarInfo(row), false);
}

function newStorePath(
  claim: CheckedClaim,
  measured: MeasuredNar,
  url: string,
  secretKey: SecretKey,
): IndexedPath {
  const narHash = parseHash(measured.narHash);
  const { path, references } = claim;
  const signature = signFingerprint(
    fingerprint({ path, narHash, narSize: measured.narSize, references }),
    secretKey,
  );
  return {
    pathHash: storePathHash(path),
    path,
    narHash: measured.narHash,
    narSize: measured.narSize,
    url,
    compression: 'zstd',
    fileHash: measured.fileHash,
    fileSize: measured.fileSize,
    deriver: claim.deriver,
    ca: claim.ca,
    references,
    signatures: [{ keyName: signature.keyName, signature: formatSignature(signature) }],
  };
}

/** Takes derivation files in: their paths prove their content, so nothing is claimed. */
export async function ingestDerivationFiles(
  deps: IngestDeps,
  files: readonly {
    readonly path: StorePath;
    readonly text: string;
    readonly references: readonly StorePath[];
  }[],
): Promise<void> {
  const rows: IndexedPath[] = [];
  for (const { path, text, references } of files) {
    const content = Buffer.from(text);
    const source = {
      kind: 'regular',
      executable: false,
      size: content.length,
      content: () => [content],
    } as const;
    const nar = Buffer.concat(await Array.fromAsync(writeNar(source)));
    const narHash = formatHash(hashOf('sha256', nar));
    const ca = `text:${formatHash(hashOf('sha256', content))}`;
    const claim = { path, narHash, narSize: nar.length, references, deriver: null, ca };
    const file = deps.folder.temporaryFile();
    const measured = await measureNar({
      source: Readable.from([nar]),
      compression: 'none',
      maxBytes: nar.length,
      candidates: [],
      file,
      level: DEFAULT_LEVEL,
    });
    const url = `nar/${measured.fileHash.slice('sha256:'.length)}.nar.zst`;
    await deps.folder.place(file, url);
    const row = newStorePath(claim, measured, url, deps.secretKey);
    await deps.folder.write(`${row.pathHash}.narinfo`, renderNarInfo(row), false);
    rows.push(row);
  }
  await deps.connection.transaction((tx) => insertStorePaths(tx, rows));
}
