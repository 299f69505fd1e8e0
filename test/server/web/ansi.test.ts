import assert from 'node:assert/strict';
import { formatHtml } from '../../../server/web/html.ts';
import { colouredLine } from '../../../server/web/log/ansi.ts';
import { describe, test } from '../../support/test.ts';

const E = '\u001b';

describe('a log line in colour', () => {
  for (const { name, line, expected } of [
    { name: 'plain text stays as it is', line: 'make: done', expected: 'make: done' },
    {
      name: 'a colour and bold become classes',
      line: `${E}[1;31merror:${E}[0m no`,
      expected: '<span class="ab a1">error:</span> no',
    },
    {
      name: 'bright colours are told apart',
      line: `${E}[92mok${E}[39m.`,
      expected: '<span class="a10">ok</span>.',
    },
    {
      name: 'parameters of 256 colours are no codes of their own',
      line: `${E}[38;5;31mx${E}[0m`,
      expected: 'x',
    },
    { name: 'true colours neither', line: `${E}[38;2;31;32;33;1mx`, expected: '<span class="ab">x</span>' },
    {
      name: 'a hyperlink leaves its text and no address',
      line: `${E}]8;;javascript:alert(1)${E}\\here${E}]8;;\u0007`,
      expected: 'here',
    },
    { name: 'what moves the cursor is dropped', line: `a${E}[2J${E}[1;1Hb${E}(B${E}=`, expected: 'ab' },
    { name: 'carriage returns at the end are dropped', line: 'done\r\r', expected: 'done' },
    {
      name: 'other control characters are made visible',
      line: '50%\r100%\u0007\u0000',
      expected: '50%<i class="ctl">^M</i>100%<i class="ctl">^G^@</i>',
    },
    {
      name: 'markup is text, also between colours',
      line: `${E}[31m<b>${E}[0m&`,
      expected: '<span class="a1">&#60;b&#62;</span>&#38;',
    },
    { name: 'an escape that is cut off is made visible', line: `a${E}`, expected: 'a<i class="ctl">^[</i>' },
  ])
    test(name, () => assert.equal(formatHtml(colouredLine(line)), expected));
});
