/** Our walk through RPATH, RUNPATH, $ORIGIN and names against glibc's own loader, on programs that gcc links. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { createTree } from '../../../activities/inspect/tree.ts';
import { load } from '../../../domain/elf/loader.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const LOADER = '/lib64/ld-linux-x86-64.so.2';
const skip = existsSync(LOADER) && existsSync('/usr/bin/gcc') ? false : 'no gcc or no glibc for x86_64';
const HOST = [
  '/lib/x86_64-linux-gnu',
  '/usr/lib/x86_64-linux-gnu',
  '/lib64',
  '/usr/lib64',
  '/lib',
  '/usr/lib',
];

describe("glibc's way to a library", { skip }, () => {
  let folder: string;
  const gcc = (...args: string[]): Buffer => execFileSync('gcc', args, { cwd: folder, stdio: 'pipe' });
  /** A library that says which copy it is, in a folder of its own. */
  async function library(path: string, name: string, ...flags: string[]): Promise<void> {
    await mkdir(join(folder, path), { recursive: true });
    await writeFile(join(folder, `${name}.c`), `int ${name}(void) { return 1; }\n`);
    gcc(
      '-shared',
      '-fPIC',
      `-Wl,-soname,lib${name}.so`,
      `${name}.c`,
      '-o',
      `${path}/lib${name}.so`,
      ...flags,
    );
  }
  function program(name: string, ...flags: string[]): string {
    gcc('main.c', '-o', name, '-Wl,--no-as-needed', ...flags);
    return join(folder, name);
  }
  function byGlibc(path: string): string[] {
    const text = execFileSync(path, { encoding: 'utf8', env: { LD_TRACE_LOADED_OBJECTS: '1' } });
    return [...text.matchAll(/^\s+(\S+) => (\S+|not found)(?: \(|$)/gm)].map(
      ([, name, at]) => `${name} ${at}`,
    );
  }
  function byUs(path: string): string[] {
    using tree = createTree();
    const root = tree.open(path);
    assert.ok(root !== undefined);
    const { objects, missing } = load({ ...root, path }, tree, {
      defaultFolders: HOST,
      isHostLibrary: () => false,
      hostFolder: '/run/opengl-driver/lib',
    });
    return [
      ...objects.slice(1).map((one) => `${one.name} ${one.path}`),
      ...missing.map(({ name }) => `${name} not found`),
    ].filter((line) => !line.startsWith('ld-linux'));
  }
  const assertAlike = (path: string, expected: RegExp): void => {
    assert.deepEqual(byUs(path).toSorted(), byGlibc(path).toSorted());
    assert.match(byUs(path).join('\n'), expected);
  };
  before(async () => {
    folder = await temporaryFolder('loader');
    await writeFile(join(folder, 'main.c'), 'int main(void) { return 0; }\n');
    await library('one', 'inner');
    await library('two', 'inner');
  });

  test("a program's RPATH holds for what its libraries need, its RUNPATH does not", async () => {
    await library('middle', 'outer', '-Lone', '-Wl,--no-as-needed', '-linner');
    const link = ['-Lmiddle', '-louter', '-Wl,-rpath-link,one'];
    const paths = `-Wl,-rpath,${folder}/middle:${folder}/one`;
    assertAlike(program('rpath', ...link, '-Wl,--disable-new-dtags', paths), /libinner\.so \S+\/one\//);
    assertAlike(program('runpath', ...link, '-Wl,--enable-new-dtags', paths), /libinner\.so not found/);
  });

  test("a library's RUNPATH makes it ignore the program's RPATH", async () => {
    await library(
      'own',
      'outer',
      '-Lone',
      '-Wl,--no-as-needed',
      '-linner',
      '-Wl,--enable-new-dtags',
      `-Wl,-rpath,${folder}/two`,
    );
    const path = program(
      'both',
      '-Lown',
      '-louter',
      '-Wl,-rpath-link,one',
      '-Wl,--disable-new-dtags',
      `-Wl,-rpath,${folder}/own:${folder}/one`,
    );
    assertAlike(path, /libinner\.so \S+\/two\//);
  });

  test('a name that is loaded already needs no path, and the first of two copies wins', async () => {
    await library('bare', 'outer', '-Lone', '-Wl,--no-as-needed', '-linner');
    const path = program(
      'known',
      ...['-Ltwo', '-linner', '-Lbare', '-louter', '-Wl,--enable-new-dtags'],
      `-Wl,-rpath,${folder}/two:${folder}/bare`,
    );
    assertAlike(path, /libinner\.so \S+\/two\//);
    assert.equal(byUs(path).filter((line) => line.startsWith('libinner')).length, 1);
  });

  test('$ORIGIN is where a library was found, also by a link, and a folder that is missing costs nothing', async () => {
    await library(
      'origin/lib',
      'outer',
      '-Lone',
      '-Wl,--no-as-needed',
      '-linner',
      '-Wl,--enable-new-dtags',
      '-Wl,-rpath,/nowhere:$ORIGIN/../../two',
    );
    await rm(join(folder, 'linked'), { force: true });
    await mkdir(join(folder, 'deep', 'lib'), { recursive: true });
    await symlink('../../origin/lib/libouter.so', join(folder, 'deep', 'lib', 'libouter.so'));
    const path = program(
      'origins',
      '-Lorigin/lib',
      '-louter',
      '-Wl,-rpath-link,two',
      '-Wl,--enable-new-dtags',
      '-Wl,-rpath,${ORIGIN}/deep/lib/',
    );
    assertAlike(path, /libinner\.so \S+\/two\//);
  });

  test('a file for another machine, or none at all, is passed over', async () => {
    await mkdir(join(folder, 'wrong'), { recursive: true });
    await writeFile(join(folder, 'main32.s'), '.globl inner\ninner: ret\n');
    execFileSync('as', ['--32', '-o', 'inner32.o', 'main32.s'], { cwd: folder });
    execFileSync(
      'ld',
      ['-m', 'elf_i386', '-shared', '-soname', 'libinner.so', '-o', 'wrong/libinner.so', 'inner32.o'],
      { cwd: folder },
    );
    const path = program(
      'passes',
      '-Lone',
      '-linner',
      '-Wl,--enable-new-dtags',
      `-Wl,-rpath,${folder}/wrong:${folder}/one`,
    );
    assertAlike(path, /libinner\.so \S+\/one\//);
  });
});
