/** Commands that people copy: words that a shell takes as they are, and commands that the real Nix obeys. */

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test as conditional } from 'node:test';
import { promisify } from 'node:util';
import { sql } from 'drizzle-orm';
import { recordLogBytes, startAttempt } from '../../../db/attempts.ts';
import { reproduceCommands, shellWord } from '../../../server/web/models/commands.ts';
import { openSampleSite, type SampleSite } from '../../support/sample-site.ts';
import { describe, test } from '../../support/test.ts';

const run = promisify(execFile);

describe('a word for the shell', () => {
  for (const word of [
    'torch@cuda12',
    "it's",
    'hostile.<script>document.title="owned"</script>',
    '$(rm -rf /) `id` ; & | * ? ~ !x',
    "two\nlines\tand \u001b[31m and \\ and '",
    'ü – 漢',
    '',
  ])
    test(JSON.stringify(word), () => {
      const printed = execFileSync('bash', ['-c', `printf %s ${shellWord(word)}`], { encoding: 'utf8' });
      assert.equal(printed, word);
      assert.ok(!shellWord(word).includes('\n'), 'a command of one line stays one');
    });
});

const nixVersion = await run('nix', ['--version']).then(
  ({ stdout }) => stdout.trim(),
  () => undefined,
);

conditional(
  'Nix copies the derivation and reads its log by the commands of the page',
  { skip: nixVersion === undefined && 'there is no Nix here' },
  async () => {
    await using site = await openSampleSite();
    const url = await site.listen();
    const folder = await mkdtemp(join(tmpdir(), 'nixwarp-commands-'));
    try {
      // A store of its own, where the derivation is not.
      const environment = {
        ...process.env,
        NIX_CONFIG: 'experimental-features = nix-command',
        NIX_REMOTE: '',
      };
      const expression = `derivation { name = "pages-commands"; system = "x86_64-linux"; builder = "/bin/sh"; }`;
      const { stdout } = await run('nix-instantiate', ['-E', expression], { env: environment });
      const drvPath = stdout.trim();
      await storeFailed(site, drvPath);
      const commands = reproduceCommands(
        { drvPath, outputs: [], features: ['cuda'], hasLog: true },
        { url, publicKey: site.deps.cacheFacts.publicKey },
      );
      const [copy = ''] = commands[0]?.lines ?? [];
      const log = commands.find(({ title }) => title === 'Read its log')?.lines.join('\n') ?? '';
      const shell = async (line: string) =>
        run('bash', ['-c', line], { env: { ...environment, NIX_REMOTE: join(folder, 'store') } });
      assert.match((await shell(log)).stdout, /^the compiler says no$/m);
      await assert.rejects(shell(`nix-store --query --references ${drvPath}`), /not valid|not a valid/);
      await shell(copy);
      await shell(`nix-store --query --references ${drvPath}`);
    } finally {
      await run('chmod', ['-R', 'u+w', folder]);
      await rm(folder, { recursive: true, force: true });
    }
  },
);

/** A derivation of the open evaluation that was tried and failed, with a log. */
async function storeFailed({ app, graph, database, logs }: SampleSite, drvPath: string): Promise<void> {
  const { db } = database.connection;
  const text = await readFile(drvPath, 'utf8');
  const job = {
    attrPath: ['pages', 'commands'],
    system: 'x86_64-linux',
    variant: null,
    nixName: 'x',
    drvPath,
    meta: {},
  };
  const stored = await app.inject({
    method: 'POST',
    url: `/api/v1/evaluations/${graph.open}/batches`,
    headers: { authorization: 'Bearer builder' },
    payload: { jobs: [job], errors: [], derivations: [{ path: drvPath, text }] },
  });
  assert.equal(stored.statusCode, 200, stored.body);
  const [step] = await db.execute<{ id: number }>(sql`
    insert into steps (kind, drv_hash, pool, state, limits) values ('build', ${drvPath.slice(11, 43)}, 'x', 'dispatched', '{}') returning id`);
  const started = await database.connection.transaction((tx) =>
    startAttempt(tx, {
      stepId: step?.id ?? 0,
      generation: 1,
      number: 1,
      builder: 'atlas',
      unit: 'u',
      gpu: null,
    }),
  );
  const attemptId = started?.attemptId ?? 0;
  await logs.append(attemptId, 0, Buffer.from('the compiler says no\n'));
  await recordLogBytes(db, attemptId, await logs.close(attemptId), true);
}
