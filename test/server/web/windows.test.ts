import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test as property } from 'node:test';
import * as fc from 'fast-check';
import { LONGEST_SHOWN, readWindows } from '../../../server/web/log/windows.ts';
import { describe, test } from '../../support/test.ts';

const numbered = (count: number) =>
  `${Array.from({ length: count }, (_, index) => `line ${index + 1}`).join('\n')}\n`;
const read = (text: string, ranges: { from: number; to: number }[], tail: number) =>
  readWindows(Readable.from([Buffer.from(text)]), ranges, tail);

describe('windows of a log', () => {
  test('head and tail of a long log are two windows', async () => {
    const { windows, lineCount } = await read(numbered(1_000), [{ from: 1, to: 3 }], 2);
    assert.equal(lineCount, 1_000);
    assert.deepEqual(windows, [
      { from: 1, lines: ['line 1', 'line 2', 'line 3'] },
      { from: 999, lines: ['line 999', 'line 1000'] },
    ]);
  });

  test('windows that touch or overlap are one', async () => {
    const { windows } = await read(
      numbered(10),
      [
        { from: 1, to: 4 },
        { from: 3, to: 8 },
      ],
      2,
    );
    assert.deepEqual(
      windows.map(({ from, lines }) => [from, lines.length]),
      [[1, 10]],
    );
  });

  test('a range beyond the end is empty, and the lines are counted all the same', async () => {
    assert.deepEqual(await read(numbered(5), [{ from: 9, to: 12 }], 0), { windows: [], lineCount: 5 });
  });

  test('an empty log has no lines', async () => {
    assert.deepEqual(await read('', [{ from: 1, to: 3 }], 2), { windows: [], lineCount: 0 });
  });

  test('a last line without its end is a line', async () => {
    const { windows } = await read('a\nb', [{ from: 1, to: 9 }], 0);
    assert.deepEqual(windows, [{ from: 1, lines: ['a', 'b'] }]);
  });

  test('a very long line is one line, cut, and says how much is missing', async () => {
    const { windows, lineCount } = await read(`${'x'.repeat(200_000)}\nend\n`, [{ from: 1, to: 9 }], 0);
    assert.equal(lineCount, 2);
    assert.ok((windows[0]?.lines[0]?.length ?? 0) < LONGEST_SHOWN + 100);
    assert.match(windows[0]?.lines[0] ?? '', /more characters: see the raw log/);
    assert.equal(windows[0]?.lines[1], 'end');
  });

  property('any cut of the bytes gives the lines of the whole', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.string({ maxLength: 20 }).map((text) => text.replaceAll('\n', ' ')),
          { minLength: 1, maxLength: 60 },
        ),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 70 }),
        fc.integer({ min: 0, max: 70 }),
        async (lines, chunk, from, tail) => {
          const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
          const chunks = Array.from({ length: Math.ceil(bytes.length / chunk) }, (_, index) =>
            bytes.subarray(index * chunk, (index + 1) * chunk),
          );
          const { windows, lineCount } = await readWindows(
            Readable.from(chunks),
            [{ from, to: from + 4 }],
            tail,
          );
          assert.equal(lineCount, lines.length);
          const shown = new Map(
            windows.flatMap((window) => window.lines.map((line, index) => [window.from + index, line])),
          );
          for (let number = 1; number <= lines.length; number++) {
            const expected = (number >= from && number <= from + 4) || number > lines.length - tail;
            assert.equal(shown.get(number), expected ? lines[number - 1] : undefined);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
