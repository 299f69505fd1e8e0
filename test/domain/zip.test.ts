/** Our reader of zip archives against Python's, and against hostile ones; static libraries likewise. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { listArchive } from '../../domain/elf/archive.ts';
import { sourceOfBytes } from '../../domain/elf/byte-source.ts';
import { ParseError } from '../../domain/parse-error.ts';
import { listZip, readZipMember } from '../../domain/zip.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { describe, test } from '../support/test.ts';

const folder = await temporaryFolder('zip');
const MAKE = `
import zipfile
with zipfile.ZipFile('plain.zip', 'w', zipfile.ZIP_DEFLATED) as z:
    z.writestr('a/packed.txt', 'packed ' * 1000)
    z.writestr(zipfile.ZipInfo('stored.txt'), 'stored')
    z.writestr('empty', '')
    z.writestr('grüße.txt', 'names are UTF-8')
    z.comment = b'a comment PK\\x05\\x06 that looks like an end' * 3
with zipfile.ZipFile('large.zip', 'w') as z:
    # As archives beyond 4 GiB are written.
    with z.open('streamed.txt', 'w', force_zip64=True) as f: f.write(b'x' * 100)
with zipfile.ZipFile('bzip2.zip', 'w', zipfile.ZIP_BZIP2) as z: z.writestr('a', 'a' * 100)
`;
execFileSync('python3', ['-c', MAKE], { cwd: folder });

function read(name: string): [string, string][] {
  const source = sourceOfBytes(readFileSync(join(folder, name)));
  return listZip(source).map((member) => [
    member.name,
    Buffer.from(readZipMember(source, member)).toString(),
  ]);
}

describe('zip archives', () => {
  test('members are what Python wrote, packed or stored, with any comment', () => {
    assert.deepEqual(read('plain.zip'), [
      ['a/packed.txt', 'packed '.repeat(1000)],
      ['stored.txt', 'stored'],
      ['empty', ''],
      ['grüße.txt', 'names are UTF-8'],
    ]);
    assert.deepEqual(read('large.zip'), [['streamed.txt', 'x'.repeat(100)]]);
  });

  test('another packing, and what is cut off, are refused with what was there', () => {
    assert.throws(() => read('bzip2.zip'), /12 is not the packing of a: 0 \(none\) or 8 \(deflate\)/);
    const whole = readFileSync(join(folder, 'large.zip'));
    assert.throws(() => listZip(sourceOfBytes(whole.subarray(0, 80))), /cut off or no zip archive/);
  });

  test('damaged archives are a ParseError, never a crash', () => {
    const originals = ['plain.zip', 'large.zip'].map((name) => readFileSync(join(folder, name)));
    let refused = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...originals),
        fc.array(fc.tuple(fc.nat(10_000), fc.nat(255)), { minLength: 1, maxLength: 5 }),
        (original, changes) => {
          const bytes = Buffer.from(original);
          for (const [at, value] of changes) bytes[at % bytes.length] = value;
          const source = sourceOfBytes(bytes);
          try {
            for (const member of listZip(source)) readZipMember(source, member);
          } catch (error) {
            refused++;
            assert.ok(error instanceof ParseError, String(error));
          }
        },
      ),
      { numRuns: 2000 },
    );
    assert.ok(refused > 100, `only ${refused} of 2000`);
  });
});

describe('static libraries', () => {
  test('members with short and long names, and a damaged header', () => {
    const long = 'a-name-of-more-than-sixteen-characters.o';
    for (const name of ['short.o', long])
      execFileSync('as', ['-o', name], {
        cwd: folder,
        input: `.globl f_${name.length}\nf_${name.length}: ret\n`,
      });
    execFileSync('ar', ['rcs', 'both.a', 'short.o', long], { cwd: folder });
    const bytes = readFileSync(join(folder, 'both.a'));
    const members = listArchive(sourceOfBytes(bytes));
    assert.deepEqual(
      members.map(({ name, source }) => [name, Buffer.from(source.read(0, source.size))]),
      ['short.o', long].map((name) => [name, readFileSync(join(folder, name))]),
    );
    bytes.write('9999999999', 8 + 48);
    assert.throws(
      () => listArchive(sourceOfBytes(bytes)),
      /9999999999 bytes at 68" is not a range of a file/,
    );
  });
});
