/** Uploads that are small texts: realisations of both generations, which gather signatures, and pointers to debug files. */

import { posix } from 'node:path';
import {
  formatBuildTrace,
  formatRealisation,
  parseBuildTrace,
  parseRealisation,
  type Realisation,
} from '../../../domain/nix/realisation.ts';
import { asObject, asString, parseJson } from '../../../domain/nix/json.ts';
import { storePathHash } from '../../../domain/nix/store-path.ts';
import { ParseError } from '../../../domain/parse-error.ts';
import { ConflictError } from '../../errors.ts';
import { parseResource } from '../resource.ts';

export interface TextFacts {
  readonly key: string;
  readonly storeDir: string;
  /** Whether the cache has a file, by its key. */
  readonly exists: (key: string) => Promise<boolean>;
}

/** What is there with what comes: its text, and that of who came before. */
export type MergeText = (before: string | undefined, next: string, facts: TextFacts) => Promise<string>;

/** @throws ParseError, ConflictError where the output is not in the cache, or another path was published for it. */
export const mergeRealisation: MergeText = async (before, next, { key, storeDir, exists }) => {
  const id = key.slice('realisations/'.length, -'.doi'.length);
  const published = before === undefined ? undefined : parseRealisation(before, id, storeDir);
  const merged = await merge(published, parseRealisation(next, id, storeDir), { key, storeDir, exists });
  return formatRealisation(id, merged);
};

/** As `mergeRealisation`, of the newer generation. */
export const mergeBuildTrace: MergeText = async (before, next, facts) => {
  const published = before === undefined ? undefined : parseBuildTrace(before, facts.storeDir);
  return formatBuildTrace(await merge(published, parseBuildTrace(next, facts.storeDir), facts));
};

async function merge(
  published: Realisation | undefined,
  next: Realisation,
  { key, exists }: TextFacts,
): Promise<Realisation> {
  if (!(await exists(`${storePathHash(next.outPath)}.narinfo`)))
    throw new ConflictError(
      `${key}: ${next.outPath} is not in the cache yet: upload it before its realisation`,
    );
  if (published === undefined) return next;
  if (published.outPath !== next.outPath)
    throw new ConflictError(`${key} is published already, as ${published.outPath}, not ${next.outPath}`);
  return { ...published, signatures: [...new Set([...published.signatures, ...next.signatures])] };
}

/** `{"archive":"../nar/…","member":"lib/debug/.build-id/xx/….debug"}`, for a NAR that is there. Whether the member is in it is the writer's word. */
export const checkDebugInfo: MergeText = async (_before, next, { key, exists }) => {
  const json = asObject('debuginfo', parseJson('debuginfo', next));
  const archive = posix.normalize(posix.join('debuginfo', asString('debuginfo', json['archive'])));
  if (parseResource(archive)?.kind !== 'nar')
    throw new ParseError('debuginfo archive', String(json['archive']), 'the path of a NAR, ../nar/…');
  if (!(await exists(archive)))
    throw new ConflictError(`${key}: there is no ${archive} yet: upload it before what points to it`);
  const buildId = key.slice('debuginfo/'.length).replace(/\.debug$/, '');
  const member = `lib/debug/.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`;
  if (json['member'] !== member) throw new ParseError('debuginfo member', String(json['member']), member);
  return next;
};
