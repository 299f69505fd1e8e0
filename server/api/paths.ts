/** Paths of the cache: why one is held back, and taking one away. */

import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { Type } from 'typebox';
import { listDependents, removePaths } from '../../db/removal.ts';
import { findPathFact, findReferenceChain, findVisibility, type PathFact } from '../../db/visibility.ts';
import { PathHashParams, RemovedSchema, type Why, WhySchema } from '../../domain/api/paths.ts';
import { describeLicences } from '../../domain/ci/licence.ts';
import { runCommand } from '../commands.ts';
import type { ServerDeps } from '../deps.ts';
import { found } from '../errors.ts';

export function pathRoutes(deps: ServerDeps): FastifyPluginCallbackTypebox {
  return (app, _options, done) => {
    app.get(
      '/paths/:hash/why',
      {
        schema: {
          summary: 'Why strangers see a path, or do not',
          params: PathHashParams,
          response: { 200: WhySchema },
        },
      },
      (request) => explain(deps, request.params.hash),
    );

    app.post(
      '/paths/:hash/remove',
      {
        schema: {
          security: [{ token: [] }],
          summary: 'Withdraw a path and all that depends on it, bytes included; it is never public again',
          params: PathHashParams,
          body: Type.Object({ reason: Type.String({ minLength: 1, maxLength: 2_000 }) }),
          response: { 200: RemovedSchema },
        },
      },
      async (request) => {
        const { hash } = request.params;
        const { reason } = request.body;
        const { actor } = await deps.authority.requireAdministrator(request);
        const command = { action: 'path.remove', subject: hash, details: { reason } };
        let files: readonly string[] = [];
        const removed = await runCommand(deps, request, command, async (tx) => {
          const dependents = await listDependents(tx, hash);
          found(dependents[0], `path ${hash} in the cache`);
          const { urls, bytes } = await removePaths(tx, dependents, { reason, actor });
          files = [
            ...dependents.flatMap((one) => [`${one.pathHash}.narinfo`, `${one.pathHash}.ls`]),
            ...urls,
          ];
          return { removed: dependents.map((one) => one.path), bytes };
        });
        // What a crash leaves here the next collection takes.
        for (const file of files) await deps.folder.remove(file);
        return removed;
      },
    );
    done();
  };
}

async function explain({ connection: { db }, publicView }: ServerDeps, hash: string): Promise<Why> {
  const visibility = found(await findVisibility(db, hash), `path ${hash} in the cache`);
  const own = await findPathFact(db, hash);
  const culprit =
    visibility.restrictedBy === hash ? undefined : await findPathFact(db, visibility.restrictedBy);
  const visible = publicView === 'everything' ? visibility.class !== 'missing' : visibility.isPublic;
  return {
    path: own.path,
    visible,
    mode: publicView,
    class: visibility.class,
    own: factOf(own),
    restrictedBy:
      culprit === undefined
        ? null
        : { ...factOf(culprit), chain: await findReferenceChain(db, hash, visibility.restrictedBy) },
    rule: ruleOf(visibility.class, culprit ?? own, { visible, isMember: culprit !== undefined, publicView }),
  };
}

function factOf({ path, class: own, source, licences, jobName, evaluationId }: PathFact): Why['own'] {
  return {
    path,
    class: own,
    source,
    licences: licences.length === 0 ? [] : [describeLicences(licences)],
    jobName,
    evaluationId,
  };
}

function ruleOf(
  effective: Why['class'],
  fact: PathFact,
  { visible, isMember, publicView }: { visible: boolean; isMember: boolean; publicView: Why['mode'] },
): string {
  if (visible && publicView === 'everything')
    return 'NIXWARP_PUBLIC_VIEW=everything: no licence is looked at';
  const what = isMember ? `its closure has ${fact.path}, which` : 'it';
  const because = `${what} ${sourceOf(fact)}`;
  if (visible) return `Shown: the whole closure may be given away; ${because}`;
  if (effective === 'missing')
    return `Held back: its closure has ${fact.path}, which neither the cache nor an upstream has`;
  return `Held back: ${because}`;
}

function sourceOf({ source, class: own, licences, jobName, reason }: PathFact): string {
  switch (source) {
    case 'licence':
      return `is ${own} by the licence (${describeLicences(licences)}) of job ${jobName}`;
    case 'upstream':
      return 'is served by an upstream that serves only what may be given away (NIXWARP_PUBLIC_UPSTREAMS)';
    case 'package':
      return 'is allowed by name (NIXWARP_PUBLIC_PACKAGES)';
    case 'source':
      return `is a source of packages that are ${own}`;
    case 'withdrawn':
      return `was withdrawn: ${reason ?? 'for no reason that is known'}`;
    case 'derivation':
      return 'is a derivation, which only builders need';
    case 'unknown':
      return 'has no licence that an evaluation has stated';
  }
}
