import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  displayLine,
  isJsonLine,
  isQuotation,
  splitJsonText,
  stripPrefixes,
} from '../../../../../domain/ci/classification/pattern/clean.ts';

const TEXT = 'error: identifier "foo" is undefined';

describe('a displayed line', () => {
  const cases = {
    colours: `\u001b[31;1merror:\u001b[0m identifier "foo" is undefined`,
    'a colour of 24 bits': `\u001b[38;2;255;0;0m${TEXT}\u001b[m`,
    'an erased line': `\u001b[2K\u001b[1G${TEXT}`,
    'a link of a terminal': `\u001b]8;;https://example.org\u0007error\u001b]8;;\u0007: identifier "foo" is undefined`,
    'typographic quotes': 'error: identifier “foo” is undefined',
    'control characters': `\u0000${TEXT}\u0007\u0008`,
    'a carriage return at the end': `${TEXT}\r`,
    'blanks at the end': `${TEXT}  \t`,
  };
  for (const [name, raw] of Object.entries(cases)) {
    test(`is without ${name}`, () => assert.equal(displayLine(raw), TEXT));
  }
});

describe('the text of a line', () => {
  const prefixes = {
    "Nix's tail": '       > ',
    'nix-output-monitor': '┃        > ',
    'nix build -L': 'python3.13-torch-2.9.0> ',
    'ISO time': '2026-08-16T00:44:13.8370000Z ',
    'time with comma': '[2026-08-16 00:44:13,837] ',
    journal: 'Aug 16 00:44:13 ada nix-daemon[3422]: ',
    kernel: '[ 1843.308145] ',
    'dmesg -T': '[Fri Aug 30 11:11:22 2024] ',
    'docker compose': 'worker-1  | ',
    BuildKit: '#12 34.567 ',
    mpirun: '[1,3]<stderr>:',
    torchrun: '[rank3]: ',
    Ray: '(EngineCore pid=4711, ip=10.0.0.3) ',
    'journal around a compose prefix around a time':
      'Aug 16 00:44:13 ada docker[34]: worker-1  | 2026-08-16 00:44:13 ',
  };
  for (const [name, prefix] of Object.entries(prefixes)) {
    test(`is without the prefix of ${name}`, () => assert.equal(stripPrefixes(prefix + TEXT), TEXT));
  }

  const kept = [
    '[ERROR] no such thing',
    '[1/900] Building',
    'make[2]: *** [a.o] Error 1',
    '2 errors generated.',
    '# a comment',
  ];
  for (const line of kept) {
    test(`keeps its own beginning: ${line}`, () => assert.equal(stripPrefixes(line), line));
  }
});

describe('a quotation', () => {
  const quotations = [
    '  143 |     cudaMalloc(&p, n); // error: out of memory'.trim(),
    '|     ^~~~~~~~~~',
    'tests/test_a.py::test_cuda_out_of_memory PASSED [ 12%]',
    'test cuda::no_device ... ok',
    '[       OK ] Cuda.OutOfMemory (3 ms)',
    ' 3/40 Test  #7: oom_killed .................   Passed    0.12 sec'.trim(),
    'case cudaErrorNoDevice: return "no CUDA-capable device is detected";',
    '#define NCCL_ERROR 3',
  ];
  for (const line of quotations) test(`proves nothing: ${line}`, () => assert.ok(isQuotation(line)));

  const reports = [
    TEXT,
    'tests/test_a.py::test_x FAILED [ 12%]',
    '1: error: in the first argument',
    '# 3 errors',
  ];
  for (const line of reports)
    test(`is not what a tool reports: ${line}`, () => assert.ok(!isQuotation(line)));
});

describe('a line of JSON', () => {
  test('is split into the lines inside its strings', () => {
    const raw = JSON.stringify({ attr: 'a', error: `\u001b[31merror:\u001b[0m\n  "x" is wrong\n\tat y` });
    assert.ok(isJsonLine(raw));
    assert.deepEqual(splitJsonText(raw).slice(1), ['  "x" is wrong', ' at y"}']);
    assert.match(splitJsonText(raw)[0] ?? '', /error:$/);
  });

  test('is told from other lines', () => {
    assert.ok(isJsonLine('@nix {"action":"msg"}'));
    assert.ok(!isJsonLine('{ "a": 1 }') && !isJsonLine('{}') && !isJsonLine('error: {"x"}'));
  });
});
