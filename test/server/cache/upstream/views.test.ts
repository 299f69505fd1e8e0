/** Pull-through in the server's views: each shows of upstreams what its audience may see. */

import assert from 'node:assert/strict';
import { sql } from 'drizzle-orm';
import { generateSecretKey, publicKeyOf } from '../../../../domain/nix/signature.ts';
import { parseResource } from '../../../../server/cache/resource.ts';
import { openPullThrough } from '../../../../server/cache/upstream/pull-through.ts';
import { createViewSources } from '../../../../server/cache/views.ts';
import { openApp } from '../../../support/open-app.ts';
import { samplePath } from '../../../support/sample-paths.ts';
import { test } from '../../../support/test.ts';
import { startOddUpstream, upstreamPath } from '../../../support/upstream.ts';

const key = generateSecretKey('upstream-1');
const path = upstreamPath(samplePath('hello-1.0', {}), key);

test('strangers see what an upstream has that serves nothing unfree, token holders what any upstream has', async () => {
  await using upstream = await startOddUpstream();
  upstream.serve(path);
  await using site = await openApp('policy');
  const { ingestDeps } = site.deps;
  const logger = { info: () => {}, warn: () => {} };
  await using pullThrough = openPullThrough({
    policy: 'proxy',
    upstreams: [upstream.url],
    trustedKeys: [publicKeyOf(key)],
    maxBytes: 1_000_000,
    ingestDeps,
    logger,
    fetch,
  });
  const views = createViewSources({ ...site.deps, pullThrough });
  const shown = async (): Promise<boolean[]> => {
    const answers: boolean[] = [];
    for (const view of [views.public, views.staging('pr-1'), views.internal])
      for (const one of [`${path.sample.pathHash}.narinfo`, path.info.url]) {
        const resource = parseResource(one);
        answers.push(resource !== undefined && (await view.find(resource)) !== undefined);
      }
    return answers;
  };
  await shown();
  assert.deepEqual(await shown(), [false, false, false, false, true, true]);
  await ingestDeps.connection.db.execute(sql`update policy_settings set upstreams = array[${upstream.url}]`);
  assert.deepEqual(await shown(), [true, true, true, true, true, true]);
});
