/**
 * The cases of Nix's own functional tests for binary caches, with `nixwarp cache serve --dir D --writable --unverified` in the
 * place of `file://D`, whose folder is written and spoiled behind the server's back. Named after the scripts
 * (NixOS/nix, tests/functional), written anew. `test/support/nix-functional.sh` runs the scripts themselves.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { appendFile, cp, readdir, readFile, rename, rm, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { type ServedCache, serveCache } from '../support/cache-server.ts';
import { makeOwnStore, type OwnStore } from '../support/own-store.ts';

const runFile = promisify(execFile);

const EXPRESSION = `rec {
  build = name: text: derivation {
    inherit name;
    system = builtins.currentSystem;
    builder = "/bin/sh";
    PATH = "/bin:/usr/bin";
    args = [ "-e" "-c" text ];
  };
  input0 = build "dependencies-input-0" "mkdir $out; echo foo > $out/bar";
  input2 = build "dependencies-input-2" "mkdir $out; echo \${input0} > $out/input0";
  top = build "dependencies-top" "mkdir $out; echo \${input2} > $out/input-2; echo FOOBAR > $out/foobar; echo FOO in the log";
  listing = build "nar-listing" "mkdir $out; echo foo > $out/bar; ln -s xyzzy $out/link";
  debug = build "debug-info" "mkdir -p $out/lib/debug/.build-id/02; echo foo > $out/lib/debug/.build-id/02/623eda209c26a59b1a8638ff7752f6b945c26b.debug";
}`;

let store: OwnStore;
let cache: ServedCache;
let other: ServedCache;
let cacheDir: string;
let outPath: string;

/** As the scripts do between their parts. */
async function clearStore(): Promise<void> {
  await runFile('chmod', ['-R', 'u+w', store.storeDir]);
  for (const folder of [store.storeDir, join(store.root, 'var', 'nix')])
    await rm(folder, { recursive: true, force: true });
  await mkdir(store.storeDir);
  await store.run('nix-store', '--init');
}
const clearCache = (): Promise<void> => rm(cacheDir, { recursive: true, force: true });
/** What the client remembers of narinfos. */
const clearCacheCache = (): Promise<void> => rm(join(store.root, '.cache'), { recursive: true, force: true });

const build = (attribute: string): Promise<string> =>
  store.line('nix-build', '--no-out-link', '-A', attribute);
const from = (...urls: string[]): string[] => ['--substituters', urls.join(' ')];
/** What a command that must fail says. */
async function failing(command: string, ...args: string[]): Promise<string> {
  return store.run(command, ...args).then(
    (output) => assert.fail(`${command} ${args.join(' ')} succeeds: ${output.toString()}`),
    (error: unknown) => String((error as { stderr: Buffer }).stderr),
  );
}

before(async () => {
  store = await makeOwnStore();
  cacheDir = join(store.root, 'binary-cache');
  await writeFile(join(store.root, 'default.nix'), EXPRESSION);
  await store.run('nix-store', '--init');
  const serve = (dir: string) =>
    serveCache(['--dir', dir, '--writable', '--unverified', '--store-dir', store.storeDir]);
  [cache, other] = await Promise.all([serve(cacheDir), serve(`${cacheDir}-2`)]);
});
after(async () => {
  await Promise.all([cache[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
  await store[Symbol.asyncDispose]();
});

describe('binary-cache.sh', () => {
  beforeEach(async () => {
    await clearStore();
    await clearCache();
    await clearCacheCache();
    outPath = await build('top');
    await store.run('nix', 'copy', '--to', cache.url, outPath);
  });

  test('a client makes the cache that was taken away, and fills it', async () => {
    assert.match(await readFile(join(cacheDir, 'nix-cache-info'), 'utf8'), /^StoreDir: /);
    const narInfos = (await readdir(cacheDir)).filter((file) => file.endsWith('.narinfo'));
    assert.equal(narInfos.length, 3);
  });

  test('derivations are instantiated into it', async () => {
    await clearStore();
    await store.run('nix-instantiate', '--store', cache.url, '-A', 'top');
  });

  test('logs are copied to it and from it', async () => {
    assert.match(await failing('nix', 'log', '--store', cache.url, outPath), /is not available/);
    await store.run('nix', 'store', 'copy-log', '--to', cache.url, outPath);
    assert.match((await store.run('nix', 'log', '--store', cache.url, outPath)).toString(), /FOO/);
    await rm(store.logDir, { recursive: true });
    assert.match(await failing('nix', 'log', outPath), /is not available/);
    assert.match((await store.run('nix', 'log', ...from(cache.url), outPath)).toString(), /FOO/);
    const drvPath = await store.line('nix-store', '--query', '--deriver', outPath);
    await store.run('nix', 'store', 'copy-log', '--from', cache.url, drvPath);
    assert.match((await store.run('nix', 'log', outPath)).toString(), /FOO/);
  });

  test('availability is told only once the folder says that it wants to be asked', async () => {
    await clearStore();
    const query = () => store.line('nix-env', ...from(cache.url), '-f', 'default.nix', '-qas', '*');
    assert.match(await query(), /--- /);
    await store.run('nix-store', ...from(cache.url), '--no-require-sigs', '-r', outPath);
    await clearStore();
    await clearCacheCache();
    await appendFile(join(cacheDir, 'nix-cache-info'), 'WantMassQuery: 1\n');
    assert.match(await query(), /--S /);
    assert.match(await query(), /--S /);
    await store.run('nix-store', ...from(cache.url), '--no-require-sigs', '-r', outPath);
    await store.run('nix-store', '--check-validity', outPath);
    assert.match(await store.line('nix-store', '-qR', outPath), /input-2/);
  });

  test('a NAR that is another is noticed', async () => {
    await clearStore();
    const [nar = ''] = await readdir(join(cacheDir, 'nar'));
    const empty = join(store.root, 'empty');
    await mkdir(empty, { recursive: true });
    const file = join(cacheDir, 'nar', nar);
    await runFile('sh', ['-c', 'nix-store --dump "$1" | xz > "$2"', 'sh', empty, file]);
    assert.match(
      await failing('nix-build', ...from(cache.url), '--no-require-sigs', '--no-out-link', '-A', 'top'),
      /hash mismatch/,
    );
  });

  test('an unsigned cache is refused by who wants signatures', async () => {
    await clearStore();
    await failing('nix-store', ...from(cache.url), '-r', outPath);
  });

  test('NARs that have vanished are built instead', async () => {
    await clearStore();
    await rename(join(cacheDir, 'nar'), join(cacheDir, 'nar2'));
    await store.run('nix-build', ...from(cache.url), '--no-require-sigs', '--no-out-link', '-A', 'top');
  });

  test('NARs that are damaged fail, and are built instead with --fallback', async () => {
    await clearStore();
    await rename(join(cacheDir, 'nar'), join(cacheDir, 'nar2'));
    await mkdir(join(cacheDir, 'nar'));
    for (const name of await readdir(join(cacheDir, 'nar2')))
      await writeFile(join(cacheDir, 'nar', name), '');
    const args = [...from(cache.url), '--no-require-sigs', '--no-out-link', '-A', 'top'];
    await failing('nix-build', ...args);
    await store.run('nix-build', ...args, '--fallback');
  });

  test('an incomplete closure is completed by building', async () => {
    await clearStore();
    for (const file of await readdir(cacheDir))
      if (
        file.endsWith('.narinfo') &&
        (await readFile(join(cacheDir, file), 'utf8')).includes('dependencies-input-2')
      )
        if (/^StorePath: .*dependencies-input-2$/m.test(await readFile(join(cacheDir, file), 'utf8')))
          await rm(join(cacheDir, file));
    await clearCacheCache();
    await store.run('nix-build', ...from(cache.url), '--no-require-sigs', '--no-out-link', '-A', 'top');
    assert.match(await store.line('nix-store', '-qR', outPath), /input-2/);
  });

  test('a single file is read out of it, and again from the NAR cache of the client', async () => {
    const narCache = join(store.root, 'nar-cache');
    await rm(narCache, { recursive: true, force: true });
    await mkdir(narCache);
    const url = `${cache.url}?local-nar-cache=${narCache}`;
    const file = `${outPath}/foobar`;
    assert.equal(await store.line('nix', 'store', 'cat', '--store', url, file), 'FOOBAR');
    await rm(join(cacheDir, 'nar'), { recursive: true });
    assert.equal(await store.line('nix', 'store', 'cat', '--store', url, file), 'FOOBAR');
    await failing('nix', 'store', 'cat', '--store', cache.url, file);
  });

  test('listings and the index of debug files are stored as they are sent', async () => {
    await store.run('nix', 'copy', '--to', `${cache.url}?write-nar-listing=1`, await build('listing'));
    const [listing] = (await readdir(cacheDir)).filter((file) => file.endsWith('.ls'));
    assert.deepEqual(JSON.parse(await readFile(join(cacheDir, listing ?? ''), 'utf8')), {
      version: 1,
      root: {
        type: 'directory',
        entries: {
          bar: { type: 'regular', size: 4, narOffset: 232 },
          link: { type: 'symlink', target: 'xyzzy' },
        },
      },
    });
    const indexed = `${cache.url}?index-debug-info=1&compression=none`;
    await store.run('nix', 'copy', '--to', indexed, await build('debug'));
    const id = '02623eda209c26a59b1a8638ff7752f6b945c26b';
    const entry = JSON.parse(await readFile(join(cacheDir, 'debuginfo', `${id}.debug`), 'utf8')) as object;
    assert.deepEqual(entry, {
      archive: '../nar/100vxs724qr46phz8m24iswmg9p3785hsyagz0kchf6q6gf06sw6.nar',
      member: 'lib/debug/.build-id/02/623eda209c26a59b1a8638ff7752f6b945c26b.debug',
    });
  });

  test('a cache that is signed: the right key, a wrong one, none, and narinfos that lost their references', async () => {
    await clearCache();
    await clearCacheCache();
    const keyOf = async (name: string, file: string): Promise<string> => {
      await store.run('nix-store', '--generate-binary-cache-key', name, `${file}.secret`, `${file}.public`);
      return (await readFile(join(store.root, `${file}.public`), 'utf8')).trim();
    };
    const right = await keyOf('test.nixos.org-1', `right-${Date.now()}`);
    const wrong = await keyOf('test.nixos.org-1', `wrong-${Date.now()}`);
    const [secret = ''] = (await readdir(store.root)).filter((file) => /^right.*secret$/.test(file));
    await store.run('nix', 'copy', '--to', `${cache.url}?secret-key=${join(store.root, secret)}`, outPath);
    const take = (keys: string, ...urls: string[]): string[] => [
      '-r',
      outPath,
      ...from(...urls),
      '--option',
      'trusted-public-keys',
      keys,
    ];
    await clearStore();
    await clearCacheCache();
    await failing('nix-store', ...take('', cache.url));
    await failing('nix-store', ...take(wrong, cache.url));
    await store.run('nix-store', ...take(right, cache.url));
    await rm(`${cacheDir}-2`, { recursive: true, force: true });
    await cp(cacheDir, `${cacheDir}-2`, { recursive: true });
    for (const file of await readdir(`${cacheDir}-2`)) {
      if (!file.endsWith('.narinfo')) continue;
      const text = await readFile(join(`${cacheDir}-2`, file), 'utf8');
      await writeFile(join(`${cacheDir}-2`, file), text.replace(/^References:.*\n/m, ''));
    }
    await clearStore();
    await clearCacheCache();
    await failing('nix-store', ...take(right, other.url));
    await store.run('nix-store', ...take(right, other.url, cache.url));
  });
});

test('signing.sh: signatures are copied, and added to a path in a cache', async () => {
  await clearCache();
  await clearCacheCache();
  const path = await build('input0');
  for (const name of ['cache1.example.org', 'cache2.example.org'])
    await store.run('nix-store', '--generate-binary-cache-key', name, `${name}.secret`, `${name}.public`);
  const key = (name: string): string => join(store.root, `${name}.secret`);
  await store.run('nix', 'store', 'sign', '--key-file', key('cache1.example.org'), path);
  await store.run('nix', 'copy', '--to', cache.url, path);
  const signaturesOf = async (): Promise<string> =>
    (await store.run('nix', 'path-info', '--store', cache.url, '--json', path)).toString();
  assert.match(await signaturesOf(), /cache1\.example\.org:/);
  assert.doesNotMatch(await signaturesOf(), /cache2\.example\.org:/);
  await store.run(
    'nix',
    'store',
    'sign',
    '--store',
    cache.url,
    '--key-file',
    key('cache2.example.org'),
    path,
  );
  assert.match(await signaturesOf(), /cache1\.example\.org:.*cache2\.example\.org:/);
});

test('substitute-with-invalid-ca.sh: a narinfo whose content is not that of its address is refused', async () => {
  await clearCache();
  await clearCacheCache();
  const narInfoOf = async (name: string): Promise<string> => {
    await writeFile(join(store.root, name), `I am a ${name} path\n`);
    const path = await store.line('nix-store', '--add', name);
    await store.run('nix', 'copy', '--to', cache.url, path);
    return path;
  };
  const good = await narInfoOf('good');
  const bad = await narInfoOf('bad');
  await store.run('nix-collect-garbage');
  const fileOf = (path: string): string =>
    join(cacheDir, `${path.slice(store.storeDir.length + 1).slice(0, 32)}.narinfo`);
  const lines = (await readFile(fileOf(bad), 'utf8'))
    .split('\n')
    .filter((line) => /^(URL|FileHash|FileSize|NarHash|NarSize)/.test(line));
  const kept = (await readFile(fileOf(good), 'utf8'))
    .split('\n')
    .filter((line) => /^(StorePath|Compression|References|CA)/.test(line));
  await writeFile(fileOf(good), `${[...kept, ...lines].join('\n')}\n`);
  await clearCacheCache();
  await failing('nix', 'copy', '--from', cache.url, good);
});

for (const compression of ['br', 'zstd', 'xz', 'bzip2', 'none'])
  test(`brotli.sh, zstd.sh and their like: what goes there compressed by ${compression} comes back the same`, async () => {
    await clearCache();
    await clearCacheCache();
    await clearStore();
    const path = await build('top');
    const hash = await store.line('nix', 'hash', 'path', path);
    await store.run('nix', 'copy', '--to', `${cache.url}?compression=${compression}`, path);
    await clearStore();
    await store.run('nix', 'copy', '--from', cache.url, path, '--no-check-sigs');
    assert.equal(await store.line('nix', 'hash', 'path', path), hash);
  });
