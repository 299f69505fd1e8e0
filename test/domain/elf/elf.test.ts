/** Our reader of ELF files against binutils' `readelf`, and against hostile files. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import * as fc from 'fast-check';
import { countImages, findDeviceCode } from '../../../domain/cuda/device-code.ts';
import { readImage } from '../../../domain/cuda/fat-binary.ts';
import { sourceOfBytes } from '../../../domain/elf/byte-source.ts';
import { type DynamicObject, parseDynamic } from '../../../domain/elf/dynamic.ts';
import { parseElf } from '../../../domain/elf/elf.ts';
import { textsOf } from '../../../domain/elf/fields.ts';
import { readDynamicSymbols, readVersionDefinitions, readVersionNeeds } from '../../../domain/elf/symbols.ts';
import { ParseError } from '../../../domain/parse-error.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const skip = existsSync('/usr/bin/readelf') && existsSync('/usr/bin/gcc') ? false : 'no gcc or readelf here';

function readelf(...args: string[]): string {
  return execFileSync('readelf', ['-W', ...args], {
    encoding: 'utf8',
    env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' },
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 2 ** 28,
  });
}

function dynamicOf(file: string): DynamicObject {
  const dynamic = parseDynamic(parseElf(sourceOfBytes(readFileSync(file))));
  assert.ok(dynamic !== undefined, `${file} has no dynamic section`);
  return dynamic;
}

function assertAsReadelf(file: string): void {
  const elf = parseElf(sourceOfBytes(readFileSync(file)));
  const sections = [
    ...readelf('-S', file).matchAll(
      /^ +\[ *\d+\] (\S+) +\S+ +[0-9a-f]+ ([0-9a-f]+) ([0-9a-f]+) [0-9a-f]+ /gm,
    ),
  ];
  assert.ok(sections.length > 3);
  assert.deepEqual(
    elf.sections
      .slice(1)
      .filter(({ name }) => name !== '')
      .map(({ name, offset, size }) => [name, offset, size]),
    sections.map(([, name, offset = '', size = '']) => [
      name,
      Number.parseInt(offset, 16),
      Number.parseInt(size, 16),
    ]),
  );
}

function assertDynamicAsReadelf(file: string): void {
  const dynamic = dynamicOf(file);
  const text = readelf('-d', file);
  const values = (tag: string): (string | undefined)[] =>
    [...text.matchAll(new RegExp(`\\(${tag}\\) .*\\[(.*)\\]$`, 'gm'))].map(([, value]) => value);
  assert.deepEqual(dynamic.needed, values('NEEDED'));
  assert.equal(dynamic.soname, values('SONAME')[0]);
  assert.equal(dynamic.runpath.join(':'), values('RUNPATH')[0] ?? '');
  if (values('RUNPATH').length === 0) assert.equal(dynamic.rpath.join(':'), values('RPATH')[0] ?? '');
  const interpreter = /Requesting program interpreter: (.*)\]/.exec(readelf('-l', file))?.[1];
  assert.equal(dynamic.interpreter, interpreter);

  const symbols = [
    ...readelf('--dyn-syms', file).matchAll(
      /^ +\d+: \S+ +\S+ +\S+ +(GLOBAL|WEAK|UNIQUE) +\S+ +(?:\[.*\] )? *(\S+) (\S+?)(?:@.*)?$/gm,
    ),
  ];
  const ours = readDynamicSymbols(dynamic);
  const theirs = symbols.map(([, binding, section, name = '']) => ({ binding, section, name }));
  assert.deepEqual(
    [...new Set(ours?.undefined)].toSorted(),
    [
      ...new Set(
        theirs.filter((one) => one.section === 'UND' && one.binding !== 'WEAK').map(({ name }) => name),
      ),
    ].toSorted(),
  );
  assert.deepEqual(
    [...(ours?.defined ?? [])].toSorted(),
    [...new Set(theirs.filter((one) => one.section !== 'UND').map(({ name }) => name))].toSorted(),
  );

  const versions = readelf('-V', file);
  const needs = [...versions.matchAll(/ Name: (\S+) +Flags: (?!.*Index)\S+ +Version: \d+/g)];
  assert.deepEqual(
    readVersionNeeds(dynamic).flatMap((need) => need.versions.map(({ name }) => name)),
    needs.map(([, name]) => name),
  );
  const definitions = [
    ...(/Version definition section[^]*?(?=\n\n|$)/.exec(versions)?.[0] ?? '').matchAll(
      /Index: \d+ +Cnt: \d+ +Name: (\S+)/g,
    ),
  ];
  assert.deepEqual(
    [...readVersionDefinitions(dynamic)],
    definitions.map(([, name]) => name),
  );
}

describe('ELF files', { skip }, () => {
  let folder: string;
  const gcc = (...args: string[]): Buffer => execFileSync('gcc', args, { cwd: folder, stdio: 'pipe' });
  before(async () => {
    folder = await temporaryFolder('elf');
    await writeFile(join(folder, 'lib.c'), 'int answer(void) { return 42; }\n');
    await writeFile(
      join(folder, 'main.c'),
      '#include <math.h>\n#include <stdio.h>\nint answer(void);\nint main(int c, char **v) { printf("%f", pow(c, answer())); }\n',
    );
    gcc('-shared', '-fPIC', '-Wl,-soname,libanswer.so.1', 'lib.c', '-o', 'libanswer.so');
  });

  test('sections, NEEDED, SONAME, RUNPATH, symbols and versions are as readelf says', () => {
    gcc('main.c', '-o', 'main', '-L.', '-lanswer', '-lm', '-Wl,--enable-new-dtags,-rpath,$ORIGIN:/run/x/lib');
    for (const name of ['main', 'libanswer.so']) {
      assertAsReadelf(join(folder, name));
      assertDynamicAsReadelf(join(folder, name));
    }
    assert.deepEqual(dynamicOf(join(folder, 'main')).runpath, ['$ORIGIN', '/run/x/lib']);
  });

  test('RPATH is told from RUNPATH, and without sections the loader’s tables say the same', () => {
    gcc(
      'main.c',
      '-o',
      'old',
      '-L.',
      '-lanswer',
      '-lm',
      '-Wl,--disable-new-dtags,--hash-style=sysv,-rpath,/a:/b',
    );
    assertDynamicAsReadelf(join(folder, 'old'));
    const bytes = readFileSync(join(folder, 'old'));
    const whole = dynamicOf(join(folder, 'old'));
    assert.deepEqual(whole.rpath, ['/a', '/b']);
    bytes.fill(0, 40, 48).fill(0, 60, 64);
    const bare = parseDynamic(parseElf(sourceOfBytes(bytes)));
    assert.ok(bare !== undefined);
    assert.deepEqual({ ...bare, elf: null, tables: null }, { ...whole, elf: null, tables: null });
    assert.deepEqual(readDynamicSymbols(bare), readDynamicSymbols(whole));
  });

  test("the system's own libraries, and an object of many sections", () => {
    for (const file of ['libc.so.6', 'libstdc++.so.6', 'libm.so.6']) {
      const path = execFileSync('gcc', [`-print-file-name=${file}`], { encoding: 'utf8' }).trim();
      assertAsReadelf(path);
      assertDynamicAsReadelf(path);
    }
    const functions = Array.from({ length: 70_000 }, (_, n) => `.section .text.f${n},"ax"\nnop`).join('\n');
    execFileSync('as', ['-o', 'many.o'], { cwd: folder, input: `${functions}\n` });
    assert.ok(parseElf(sourceOfBytes(readFileSync(join(folder, 'many.o')))).sections.length > 70_000);
  });

  test('what is no ELF file is refused with what was there', () => {
    assert.throws(
      () => parseElf(sourceOfBytes(Buffer.from('#!/bin/sh\necho hello\n'))),
      /^ParseError: ELF file: \[35,33,47,98\] is not the magic number of an ELF file/,
    );
    assert.throws(
      () => parseElf(sourceOfBytes(readFileSync('/proc/self/exe').subarray(0, 100))),
      /a range of a file of 100 bytes/,
    );
  });

  test('damaged files are a ParseError, never a crash, and end soon', () => {
    const originals = ['main', 'old', 'libanswer.so'].map((name) => readFileSync(join(folder, name)));
    const change = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      value: fc.integer({ min: 0, max: 255 }),
    });
    let refused = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...originals),
        fc.array(change, { minLength: 1, maxLength: 8 }),
        // Half of the changes hit the headers, where they matter.
        fc.boolean(),
        fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { freq: 4 }),
        (original, changes, early, cut) => {
          const bytes = Buffer.from(original);
          for (const { at, value } of changes)
            bytes[Math.floor(at * (early ? 1024 : bytes.length - 1))] = value;
          try {
            readAll(cut === null ? bytes : bytes.subarray(0, Math.floor(cut * bytes.length)));
          } catch (error) {
            refused++;
            assert.ok(error instanceof ParseError, String(error));
          }
        },
      ),
      { numRuns: 3000 },
    );
    assert.ok(refused > 100, `only ${refused} of 3000 damaged files were refused`);
  });

  test('a file whose names share one long text is refused before it takes time', () => {
    const file = readFileSync(join(folder, 'libanswer.so'));
    const elf = parseElf(sourceOfBytes(file));
    const [symbols, names] = ['.dynsym', '.dynstr'].map((name) =>
      elf.sections.find((one) => one.name === name),
    );
    assert.ok(symbols !== undefined && names !== undefined);
    const count = 100_000;
    const table = Buffer.alloc(count * 24);
    // A megabyte of names, of which each symbol takes nearly all.
    const text = Buffer.alloc(1_000_000, 'a').fill(0, 999_999);
    for (let n = 1; n < count; n++) {
      table.writeUInt32LE(n, n * 24);
      table.fill(0x12, n * 24 + 4, n * 24 + 5);
    }
    const dynamic = dynamicOf(join(folder, 'libanswer.so'));
    const hostile: DynamicObject = {
      ...dynamic,
      elf: {
        ...elf,
        source: sourceOfBytes(table),
        sections: [{ ...symbols, offset: 0, size: table.length }],
      },
      tables: { ...dynamic.tables, textAt: textsOf(text, 'ELF dynamic section') },
    };
    assert.throws(
      () => readDynamicSymbols(hostile),
      /names of a table of 1000000 bytes" is not of sane length/,
    );
  });
});

describe('hostile device code', () => {
  test('damaged fat binaries are a ParseError, never a crash, and end soon', () => {
    const original = readFileSync(
      join(import.meta.dirname, '..', '..', 'vectors', 'fatbin', 'both-compressions.fatbin'),
    );
    assert.equal(findDeviceCode(sourceOfBytes(original)).length, 2);
    let refused = 0;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(original.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        (changes, early) => {
          const bytes = Buffer.from(original);
          for (const [at, value] of changes) bytes[early ? at % 256 : at] = value;
          try {
            const modules = findDeviceCode(sourceOfBytes(bytes));
            countImages(modules);
            for (const image of modules.flatMap(({ images }) => images)) readImage(image);
          } catch (error) {
            refused++;
            assert.ok(error instanceof ParseError, String(error));
          }
        },
      ),
      { numRuns: 3000 },
    );
    assert.ok(refused > 100, `only ${refused} of 3000 damaged fat binaries were refused`);
  });
});

function readAll(bytes: Uint8Array): void {
  const source = sourceOfBytes(bytes);
  const elf = parseElf(source);
  findDeviceCode(source);
  const dynamic = parseDynamic(elf);
  if (dynamic === undefined) return;
  readDynamicSymbols(dynamic);
  readVersionNeeds(dynamic);
  readVersionDefinitions(dynamic);
}
