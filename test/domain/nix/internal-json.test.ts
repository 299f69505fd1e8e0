import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { parseInternalJsonLine } from '../../../domain/nix/internal-json.ts';
import type { InternalJsonLine } from '../../../domain/nix/internal-json.ts';
import { NIX_VERSIONS, readVector } from '../../support/nix-vectors.ts';
import { describe, test } from '../../support/test.ts';

for (const version of NIX_VERSIONS) {
  describe(`the log of Nix ${version}`, () => {
    const failure = parseLog(readVector(version, 'log-failure.txt'));
    const success = parseLog(readVector(version, 'log-success.txt'));
    const build = failure.find((line) => line.kind === 'start' && line.type === 'build');

    test('is understood line by line', () => {
      assert.ok(failure.length > 15 && success.length > 15);
      for (const line of [...failure, ...success]) {
        assert.notEqual(line.kind, 'text');
        if (line.kind === 'result') assert.notEqual(line.type, 'unknown');
      }
    });

    test('tells which derivation is built, and what its builder printed', () => {
      assert.ok(build?.kind === 'start');
      assert.deepEqual(build.fields, ['/nix/store/jg6i3aac4dj8h2hpvlchk1mm2g6jvf7c-failing.drv', '', 1, 1]);
      assert.equal(build.text, `building '${build.fields[0]}'`);
      assert.equal(build.parent, null);
      const printed = failure.flatMap((line) =>
        line.kind === 'result' && line.type === 'buildLogLine' && line.id === build.id ? line.fields : [],
      );
      assert.deepEqual(printed, ['one', 'two']);
    });

    test('ends with the reason', () => {
      const last = failure.findLast((line) => line.kind === 'message' && line.level === 0);
      assert.ok(last?.kind === 'message');
      assert.match(last.raw ?? '', /failed with exit code 3/);
      assert.match(last.text, /error:/);
    });

    test('stops every activity that it started', () => {
      const started = success.filter((line) => line.kind === 'start').map((line) => line.id);
      const stopped = success.filter((line) => line.kind === 'stop').map((line) => line.id);
      assert.deepEqual(stopped.toSorted(), started.toSorted());
    });
  });
}

function parseLog(text: string): InternalJsonLine[] {
  return text.trimEnd().split('\n').map(parseInternalJsonLine);
}

test('ids beyond exact numbers stay different', () => {
  // A process id of 4,194,303 above bit 32.
  const ids = ['18014394214514689', '18014394214514690'];
  const lines = ids.map((id) => parseInternalJsonLine(`@nix {"action":"stop","id":${id}}`));
  assert.deepEqual(
    lines,
    ids.map((id) => ({ kind: 'stop', id })),
  );
});

test('a parent is an id; 0 is none', () => {
  const start = { action: 'start', id: 7, level: 3, text: '', type: 105 };
  const parentOf = (fields: object): unknown => {
    const line = parseInternalJsonLine(`@nix ${JSON.stringify({ ...start, ...fields })}`);
    return line.kind === 'start' ? line.parent : 'no start';
  };
  assert.deepEqual([parentOf({}), parentOf({ parent: 0 }), parentOf({ parent: 6 })], [null, null, '6']);
});

test('numbers that Nix may add are unknown, not an error', () => {
  const start = parseInternalJsonLine('@nix {"action":"start","id":1,"level":0,"text":"","type":999}');
  const result = parseInternalJsonLine('@nix {"action":"result","id":1,"type":999,"fields":[]}');
  assert.equal(start.kind === 'start' && start.type, 'unknown');
  assert.equal(result.kind === 'result' && result.type, 'unknown');
});

const TEXTS: [string, string][] = [
  ['an empty line', ''],
  ['what a builder prints', 'configure: creating ./config.status'],
  ['the prefix alone', '@nix '],
  ['the prefix without its space', '@nix{"action":"stop","id":1}'],
  ['a prefix further in', ' @nix {"action":"stop","id":1}'],
  ['no JSON', '@nix hello'],
  ['JSON cut short', '@nix {"action":"stop"'],
  ['a list', '@nix []'],
  ['null', '@nix null'],
  ['no action', '@nix {"id":1}'],
  ['an unknown action', '@nix {"action":"dance","id":1}'],
  ['no id', '@nix {"action":"stop"}'],
  ['an id that is no number', '@nix {"action":"stop","id":"../x"}'],
  ['an id below nothing', '@nix {"action":"stop","id":-1}'],
  ['an id with a fraction', '@nix {"action":"stop","id":1.5}'],
  ['fields that are no list', '@nix {"action":"result","id":1,"type":101,"fields":{}}'],
  ['fields within fields', '@nix {"action":"result","id":1,"type":101,"fields":[["x"]]}'],
  ['a message without text', '@nix {"action":"msg","level":0}'],
  ['a level in words', '@nix {"action":"msg","level":"error","msg":"x"}'],
  ['a start without text', '@nix {"action":"start","id":1,"level":0,"type":105}'],
  ['a nesting that overflows the stack', `@nix {"action":${'['.repeat(200_000)}${']'.repeat(200_000)}}`],
  ['control characters', '@nix \u001b[2J\0'],
];

for (const [title, line] of TEXTS) {
  test(`${title} is plain text`, () =>
    assert.deepEqual(parseInternalJsonLine(line), { kind: 'text', text: line }));
}

test('no line throws', () => {
  const fields = fc.dictionary(
    fc.constantFrom('action', 'id', 'parent', 'level', 'type', 'text', 'msg', 'fields'),
    fc.jsonValue(),
  );
  const known = fc
    .tuple(fc.constantFrom('start', 'stop', 'result', 'msg'), fields)
    .map(([action, rest]) => ({ ...rest, action }));
  const line = fc.oneof(
    fc.string({ unit: 'binary' }),
    known.map((value) => JSON.stringify(value)),
  );
  fc.assert(
    fc.property(line, (text) => {
      const kinds = [parseInternalJsonLine(text).kind, parseInternalJsonLine(`@nix ${text}`).kind];
      assert.ok(kinds.every((kind) => ['start', 'stop', 'result', 'message', 'text'].includes(kind)));
    }),
  );
});
