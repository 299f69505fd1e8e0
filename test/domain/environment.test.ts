import assert from 'node:assert/strict';
import {
  booleanSetting,
  ConfigurationError,
  databaseUrlSetting,
  integerSetting,
  listSetting,
  optionalSetting,
  parseEnvironment,
  secretSetting,
  type Setting,
  textSetting,
  urlSetting,
} from '../../domain/environment.ts';
import { describe, test } from '../support/test.ts';

const FILES: Readonly<Record<string, string>> = {
  '/run/token': 'secret\n',
  '/run/windows': 'secret\r\n',
  '/run/lines': 'one\ntwo\n\n',
  '/run/empty': '',
  '/run/line-break': '\n',
};

function readSecret(path: string): string {
  const text = FILES[path];
  if (text === undefined) throw new Error(`ENOENT: ${path}`);
  return text;
}

function read<T>(setting: Setting<T>, environment: Record<string, string>): T {
  return parseEnvironment(environment, { it: setting }, readSecret).it;
}

const READ: [string, Setting<unknown>, Record<string, string>, unknown][] = [
  ['a text', textSetting('X'), { X: 'a b' }, 'a b'],
  ['the fallback of what is not set', textSetting('X', 'usual'), {}, 'usual'],
  ['the fallback of what is empty', textSetting('X', 'usual'), { X: '' }, 'usual'],
  ['nothing, where that is allowed', optionalSetting('X'), {}, undefined],
  ['the smallest number allowed', integerSetting('X', 5, 1, 9), { X: '1' }, 1],
  ['the largest number allowed', integerSetting('X', 5, 1, 9), { X: '9' }, 9],
  ['a truth value as a word', booleanSetting('X', false), { X: 'true' }, true],
  ['a truth value as a digit', booleanSetting('X', true), { X: '0' }, false],
  ['words between any white space', listSetting('X', ['y']), { X: ' a\tb\n c ' }, ['a', 'b', 'c']],
  ['no words from white space: that is how a default is turned off', listSetting('X', ['y']), { X: ' ' }, []],
  [
    'a URL without slashes at its end',
    urlSetting('X', undefined, ['http:']),
    { X: 'http://x/a//' },
    'http://x/a',
  ],
  ['a secret of the environment', secretSetting('X'), { X: 'secret' }, 'secret'],
  ['a secret of a file, less its line break', secretSetting('X'), { X_FILE: '/run/token' }, 'secret'],
  ['a secret of a file from Windows', secretSetting('X'), { X_FILE: '/run/windows' }, 'secret'],
  ['no more than one line break is taken off', secretSetting('X'), { X_FILE: '/run/lines' }, 'one\ntwo\n'],
  ['a database', databaseUrlSetting('X'), { X: 'postgresql://u:p@h/d' }, 'postgresql://u:p@h/d'],
];

describe('a setting is read:', () => {
  for (const [title, setting, environment, expected] of READ)
    test(title, () => assert.deepEqual(read(setting, environment), expected));
});

const whole = 'a whole number from 1 to 9';
const truth = '"1", "true", "0" or "false"';
const REFUSED: [string, Setting<unknown>, Record<string, string>, string][] = [
  ['what must be given', textSetting('X'), {}, 'X is not set'],
  ['a secret that must be given, by either name', secretSetting('X'), {}, 'X is not set (nor is X_FILE)'],
  ['a file for what is no secret', textSetting('X'), { X_FILE: '/run/token' }, 'X is not set'],
  [
    'both of them',
    secretSetting('X'),
    { X: 'a', X_FILE: '/run/token' },
    'X and X_FILE are both set; set one',
  ],
  [
    'a file that is not there',
    secretSetting('X'),
    { X_FILE: '/run/none' },
    'X_FILE: /run/none cannot be read: ENOENT: /run/none',
  ],
  [
    'an empty file, which would be a token that all know',
    secretSetting('X'),
    { X_FILE: '/run/empty' },
    'X_FILE: /run/empty is empty',
  ],
  [
    'a file with a line break only',
    secretSetting('X'),
    { X_FILE: '/run/line-break' },
    'X_FILE: /run/line-break is empty',
  ],
  ...['0', '10', '1e0', '0x5', '1.0', ' 5', 'five', '99999999999999999999'].map(
    (text): [string, Setting<unknown>, Record<string, string>, string] => [
      `the number ${JSON.stringify(text)}`,
      integerSetting('X', 5, 1, 9),
      { X: text },
      `X: ${JSON.stringify(text)} is not ${whole}`,
    ],
  ),
  ['a truth value in other words', booleanSetting('X', false), { X: 'yes' }, `X: "yes" is not ${truth}`],
  [
    'a URL of another kind',
    urlSetting('X', undefined, ['http:']),
    { X: 'ftp://x' },
    'X: "ftp://x" is not a URL of http:',
  ],
  [
    'what is no URL',
    urlSetting('X', undefined, ['http:', 'https:']),
    { X: 'x' },
    'X: "x" is not a URL of http: or https:',
  ],
  [
    'a database of another kind, of which no more than the beginning is shown',
    databaseUrlSetting('X'),
    { X: 'mysql://user:password@host/' },
    'X: "mysql:…" is not a URL of postgres: or postgresql:',
  ],
];

describe('a setting is refused:', () => {
  for (const [title, setting, environment, expected] of REFUSED)
    test(title, () => assert.throws(() => read(setting, environment), new ConfigurationError([expected])));
});

test('every problem is told at once, and what settings are together with them', () => {
  const settings = { a: textSetting('A'), b: integerSetting('B', 1, 1, 9), c: textSetting('C', 'c') };
  const seen: object[] = [];
  const parse = (): unknown =>
    parseEnvironment({ B: 'x' }, settings, readSecret, (values) => {
      seen.push(values);
      return 'C: does not go with the rest';
    });
  assert.throws(parse, {
    name: 'ConfigurationError',
    message:
      'configuration: 3 problems:\n  - A is not set\n  - B: "x" is not a whole number from 1 to 9\n  - C: does not go with the rest',
  });
  assert.deepEqual(seen, [{ c: 'c' }]);
});
