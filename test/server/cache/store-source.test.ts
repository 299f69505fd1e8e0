/** A local store as a cache, beside the Nix that fills it: what it tells and sends is what Nix itself would. */

import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseDerivationFile } from '../../../domain/nix/derivation.ts';
import { hashDerivation, hashDerivationForRealisations } from '../../../domain/nix/derivation-hash.ts';
import { formatHash } from '../../../domain/nix/hash.ts';
import { type NarInfo, parseNarInfo } from '../../../domain/nix/narinfo.ts';
import { parsePathInfoJson } from '../../../domain/nix/path-info.ts';
import { buildTraceFingerprint, realisationFingerprint } from '../../../domain/nix/realisation.ts';
import {
  fingerprint,
  generateSecretKey,
  parseSignature,
  publicKeyOf,
  type SecretKey,
  verifyFingerprint,
} from '../../../domain/nix/signature.ts';
import { parseStorePath, storePathHash, type StorePath } from '../../../domain/nix/store-path.ts';
import { openNixDatabase } from '../../../server/cache/nix-database.ts';
import { createStoreSource } from '../../../server/cache/sources/store.ts';
import { ask, type TestCache, startTestCache } from '../../support/cache-server.ts';
import { makeOwnStore, type OwnStore } from '../../support/own-store.ts';
import { describe, test } from '../../support/test.ts';

const EXPRESSION = `rec {
  build = name: text: extra: derivation ({
    inherit name;
    system = builtins.currentSystem;
    builder = "/bin/sh";
    args = [ "-c" text ];
  } // extra);
  ca = { __contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256"; };
  library = build "library" "echo of the log; echo no one > $out" { };
  program = build "program" "echo \${library} > $out" { };
  first = build "first" "echo first > $out" ca;
  second = build "second" "echo \${first} > $out" ca;
}`;

interface Served extends AsyncDisposable {
  readonly store: OwnStore;
  readonly url: string;
  build(attribute: string): Promise<StorePath>;
  narInfoOf(path: StorePath): Promise<NarInfo>;
}

async function serveOwnStore(secretKeys: readonly SecretKey[] = []): Promise<Served> {
  const store = await makeOwnStore();
  const { storeDir, logDir } = store;
  await writeFile(join(store.root, 'default.nix'), EXPRESSION);
  await store.run('nix-store', '--init');
  const database = openNixDatabase(store.database, storeDir);
  const source = createStoreSource({ database, storeDir, logDir, secretKeys, priority: 45 });
  const server: TestCache = await startTestCache({ source });
  return {
    store,
    url: server.url,
    build: async (attribute) =>
      parseStorePath(await store.line('nix-build', '--no-out-link', '-A', attribute), storeDir),
    narInfoOf: async (path) => {
      const answer = await ask(server.url, `/${storePathHash(path)}.narinfo`);
      assert.equal(answer.status, 200, answer.body.toString());
      return parseNarInfo(answer.body.toString(), storeDir);
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      database[Symbol.dispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

/** A tree with everything that a NAR can hold. */
async function addTree({ store }: Served): Promise<StorePath> {
  const tree = join(store.root, 'tree');
  await mkdir(join(tree, 'empty'), { recursive: true });
  await mkdir(join(tree, 'deep', 'er'), { recursive: true });
  await writeFile(join(tree, 'large'), Buffer.alloc(700_001, 'large '));
  await writeFile(join(tree, 'deep', 'er', 'nothing'), '');
  await writeFile(join(tree, 'run'), '#!/bin/sh\n', { mode: 0o755 });
  await writeFile(join(tree, 'übel & <b>'), 'name');
  await writeFile(Buffer.concat([Buffer.from(`${tree}/`), Buffer.from([0xff, 0xfe])]), 'no UTF-8');
  await symlink('../nowhere', join(tree, 'link'));
  const path = parseStorePath(await store.line('nix-store', '--add', tree), store.storeDir);
  await rm(tree, { recursive: true });
  return path;
}

describe('what a store holds', () => {
  test('narinfos say what Nix says', async () => {
    await using served = await serveOwnStore();
    const program = await served.build('program');
    const json = await served.store.run('nix', 'path-info', '--json', '--recursive', program);
    const { valid } = parsePathInfoJson(json.toString(), served.store.storeDir);
    assert.equal(valid.length, 2);
    for (const info of valid) {
      const told = await served.narInfoOf(info.path);
      assert.equal(formatHash(told.narHash), formatHash(info.narHash));
      assert.equal(told.narSize, info.narSize);
      assert.deepEqual(told.references, info.references);
      assert.equal(told.deriver, info.deriver);
      assert.equal(told.compression, 'none');
      assert.equal(told.fileSize, info.narSize);
    }
    const absent = await ask(served.url, `/${'0'.repeat(32)}.narinfo`);
    assert.equal(absent.status, 404);
  });

  test('NARs are those of nix-store --dump, whole and in parts', async () => {
    await using served = await serveOwnStore();
    const path = await addTree(served);
    const { url } = await served.narInfoOf(path);
    const dumped = await served.store.run('nix-store', '--dump', path);
    const whole = await ask(served.url, `/${url}`);
    assert.equal(whole.headers['content-length'], String(dumped.length));
    assert.ok(whole.body.equals(dumped));
    const cuts = [0, 1, 95, 96, 97, 1000, 300_000, 699_999, dumped.length - 9, dumped.length - 1];
    for (const start of cuts) {
      const part = await ask(served.url, `/${url}`, { headers: { range: `bytes=${start}-` } });
      assert.equal(part.status, 206);
      assert.ok(part.body.equals(dumped.subarray(start)), `from ${start}`);
      const few = await ask(served.url, `/${url}`, { headers: { range: `bytes=${start}-${start + 7}` } });
      assert.ok(few.body.equals(dumped.subarray(start, start + 8)), `8 bytes from ${start}`);
    }
  });

  test('listings are those that Nix writes', async () => {
    await using served = await serveOwnStore();
    const tree = await addTree(served);
    const { store } = served;
    // Names that are no UTF-8 cannot be said in JSON: Nix 2.8 writes what no parser takes.
    const plain = join(store.root, 'plain');
    await mkdir(join(plain, 'bin'), { recursive: true });
    await writeFile(join(plain, 'bin', 'x'), 'content');
    await chmod(join(plain, 'bin', 'x'), 0o755);
    await symlink('bin/x', join(plain, 'link'));
    const path = parseStorePath(await store.line('nix-store', '--add', plain), store.storeDir);
    const cache = join(store.root, 'cache');
    await store.run('nix', 'copy', '--to', `file://${cache}?write-nar-listing=1`, path);
    const theirs = JSON.parse(await readFile(join(cache, `${storePathHash(path)}.ls`), 'utf8')) as object;
    const ours = await ask(served.url, `/${storePathHash(path)}.ls`);
    assert.deepEqual(JSON.parse(ours.body.toString()), theirs);
    assert.equal((await ask(served.url, `/${storePathHash(tree)}.ls`)).status, 404);
  });

  test('what Nix adds while it is served appears, what it deletes vanishes', async () => {
    await using served = await serveOwnStore();
    const path = await addTree(served);
    const { url } = await served.narInfoOf(path);
    await served.store.run('nix-store', '--delete', path);
    assert.equal((await ask(served.url, `/${url}`)).status, 404, 'the NAR that was announced');
    assert.equal((await ask(served.url, `/${storePathHash(path)}.narinfo`)).status, 404);
    const again = await addTree(served);
    assert.equal((await ask(served.url, `/${url}`)).status, 200);
    assert.equal(again, path);
  });

  test('a NAR is found by its hash without its narinfo having been asked for', async () => {
    await using served = await serveOwnStore();
    const path = await addTree(served);
    const { url } = await served.narInfoOf(path);
    const { database, storeDir, logDir } = served.store;
    using fresh = openNixDatabase(database, storeDir);
    const source = createStoreSource({ database: fresh, storeDir, logDir, secretKeys: [], priority: 45 });
    await using server = await startTestCache({ source });
    assert.equal((await ask(server.url, `/${url}`)).status, 200);
  });
});

describe('a path that is not what the database says is cut, never filled up', () => {
  const cases: readonly [title: string, spoil: (path: string) => Promise<unknown>][] = [
    ['a file that became shorter', (path) => writeFile(join(path, 'large'), 'short')],
    ['a file that became longer', (path) => writeFile(join(path, 'large'), Buffer.alloc(800_000))],
    ['a file that is gone', (path) => rm(join(path, 'large'))],
    ['a file more', (path) => writeFile(join(path, 'more'), 'more')],
  ];
  for (const [title, spoil] of cases)
    test(title, async () => {
      await using served = await serveOwnStore();
      const path = await addTree(served);
      const { url, narSize } = await served.narInfoOf(path);
      const dumped = await served.store.run('nix-store', '--dump', path);
      await served.store.run('chmod', '-R', 'u+w', path);
      await spoil(path);
      const answer = await ask(served.url, `/${url}`).catch((error: Error) => error);
      if (answer instanceof Error) return assert.match(answer.message, /aborted|hang up/);
      // As long as was announced: then its hash tells.
      assert.equal(answer.body.length, narSize);
      assert.ok(!answer.body.equals(dumped));
    });
});

describe('signatures', () => {
  const keys = [generateSecretKey('old-1'), generateSecretKey('new-2')];

  test('each key signs, so that clients may trust either', async () => {
    await using served = await serveOwnStore(keys);
    const info = await served.narInfoOf(await served.build('library'));
    assert.deepEqual(
      info.signatures.map((signature) => parseSignature(signature).keyName),
      ['new-2', 'old-1'],
    );
    for (const key of keys)
      assert.ok(
        info.signatures.some((signature) =>
          verifyFingerprint(fingerprint(info), parseSignature(signature), [publicKeyOf(key)]),
        ),
        key.name,
      );
  });

  test('realisations of both generations, signed over the text of each', async () => {
    await using served = await serveOwnStore(keys);
    const { store, url } = served;
    const second = await served.build('second');
    const drvPath = parseStorePath(await store.line('nix-instantiate', '-A', 'second'), store.storeDir);
    const firstPath = parseStorePath(await store.line('nix-instantiate', '-A', 'first'), store.storeDir);
    const derivationOf = async (path: StorePath) =>
      parseDerivationFile(path, await readFile(path), store.storeDir);
    const inner = hashDerivation(await derivationOf(firstPath), () => undefined);
    const firstHash = hashDerivationForRealisations(await derivationOf(firstPath), () => undefined);
    const hash = hashDerivationForRealisations(await derivationOf(drvPath), () => inner).outputs.get('out');
    const id = `sha256:${hash}!out`;
    const old = await ask(url, `/realisations/${id}.doi`);
    assert.equal(old.status, 200, old.body.toString());
    const { signatures, ...unsigned } = JSON.parse(old.body.toString()) as {
      signatures: string[];
      outPath: string;
    };
    assert.equal(`${store.storeDir}/${unsigned.outPath}`, second);
    const cache = join(store.root, 'cache');
    await store.run('nix', 'copy', '--to', `file://${cache}`, '--file', 'default.nix', 'second');
    const theirs = JSON.parse(await readFile(join(cache, 'realisations', `${id}.doi`), 'utf8')) as object;
    assert.deepEqual({ ...unsigned, signatures: [] }, theirs, 'what Nix itself writes');
    const first = await served.build('first');
    const text = realisationFingerprint(id, {
      outPath: second,
      dependencies: new Map([[`sha256:${firstHash.outputs.get('out')}!out`, first]]),
    });
    assert.equal(text, JSON.stringify(unsigned));
    const newer = await ask(url, `/build-trace-v2/${drvPath.slice(store.storeDir.length + 1)}/out.doi`);
    const trace = JSON.parse(newer.body.toString()) as { signatures: string[]; outPath: string };
    assert.equal(`${store.storeDir}/${trace.outPath}`, second);
    const traceText = buildTraceFingerprint({ drvPath, output: 'out' }, second);
    for (const [signed, found] of [
      [text, signatures],
      [traceText, trace.signatures],
    ] as const)
      for (const key of keys)
        assert.ok(
          found.some((signature) => verifyFingerprint(signed, parseSignature(signature), [publicKeyOf(key)])),
        );
    assert.equal((await ask(url, `/realisations/sha256:${'0'.repeat(64)}!out.doi`)).status, 404);
  });
});

test('logs of builds, compressed and plain', async () => {
  await using served = await serveOwnStore();
  const { store, url } = served;
  await served.build('library');
  const drv = (await store.line('nix-instantiate', '-A', 'library')).slice(store.storeDir.length + 1);
  assert.equal((await ask(url, `/log/${drv}`)).body.toString(), 'of the log\n');
  const folder = join(store.logDir, 'drvs', drv.slice(0, 2));
  await rm(join(folder, `${drv.slice(2)}.bz2`));
  assert.equal((await ask(url, `/log/${drv}`)).status, 404);
  await writeFile(join(folder, drv.slice(2)), 'plain');
  assert.equal((await ask(url, `/log/${drv}`)).body.toString(), 'plain');
});

test('a store without a database is refused', () => {
  assert.throws(
    () => openNixDatabase('/nowhere/db.sqlite', '/nix/store'),
    /\/nowhere\/db\.sqlite" is not a file that exists/,
  );
});
