import assert from 'node:assert/strict';
import {
  buildTraceFingerprint,
  formatBuildTrace,
  formatRealisation,
  parseBuildTrace,
  parseRealisation,
  realisationFingerprint,
} from '../../../domain/nix/realisation.ts';
import { parseStorePathBaseName } from '../../../domain/nix/store-path.ts';
import { describe, test } from '../../support/test.ts';

// As Nix 2.8 wrote it: nix copy --to file://… of a content-addressed derivation that needs another.
const ID = 'sha256:d7fe30e9ad35d09f59e2921cdc6f0661ca2069f93308fd2b8794e1a4946e7228!out';
const INNER = 'sha256:0f4e37b3345e415f7ffebb9c781537c140c1e01f837e04aa02c958e4a9c43686!out';
const UNSIGNED = `"dependentRealisations":{"${INNER}":"miacmq2d49l5qm1xgkpr982m3rd9ax08-a"},"id":"${ID}","outPath":"iib1c529n3wwn62hhqp000hydbdngv92-b"`;
const TEXT = `{${UNSIGNED},"signatures":[]}`;

describe('a realisation of the older generation', () => {
  test('is written back as Nix wrote it', () => {
    assert.equal(formatRealisation(ID, parseRealisation(TEXT, ID)), TEXT);
  });

  test('is signed over itself without its signatures', () => {
    assert.equal(realisationFingerprint(ID, parseRealisation(TEXT, ID)), `{${UNSIGNED}}`);
  });

  test('has its signatures once, in order', () => {
    const twice = { ...parseRealisation(TEXT, ID), signatures: ['b:BB', 'a:AA', 'b:BB'] };
    assert.match(formatRealisation(ID, twice), /"signatures":\["a:AA","b:BB"\]/);
  });

  const wrong: readonly [title: string, text: string][] = [
    ['no JSON', 'x'],
    ['no object', '[]'],
    ['another id', TEXT.replace('!out","outPath', '!dev","outPath')],
    ['no path', `{"id":"${ID}"}`],
    ['a path with a folder', TEXT.replace('iib1', '/nix/store/iib1')],
    ['a path that climbs', TEXT.replace('iib1c529n3wwn62hhqp000hydbdngv92-b', '../../etc/passwd')],
    ['a dependency that is none', TEXT.replace('miacmq2d49l5qm1xgkpr982m3rd9ax08-a', 'x')],
    ['a signature that is none', TEXT.replace('[]', '["x"]')],
    ['a signature with a line break', TEXT.replace('[]', '["a:b\\nc"]')],
    ['signatures that are no list', TEXT.replace('[]', '"a:AA"')],
  ];
  for (const [title, text] of wrong)
    test(`with ${title} is refused`, () => {
      assert.throws(() => parseRealisation(text, ID), { name: 'ParseError' });
    });
});

describe('a build trace', () => {
  const outPath = parseStorePathBaseName('iib1c529n3wwn62hhqp000hydbdngv92-b');

  test('takes signatures as texts and as objects, and writes texts', () => {
    const text = `{"outPath":"iib1c529n3wwn62hhqp000hydbdngv92-b","signatures":["b:BB",{"keyName":"a","sig":"AA"}]}`;
    const parsed = parseBuildTrace(text);
    assert.equal(parsed.outPath, outPath);
    assert.equal(formatBuildTrace(parsed), text.replace(/\[.*\]/, '["a:AA","b:BB"]'));
  });

  test('is signed over its key and its value', () => {
    const drvPath = parseStorePathBaseName('miacmq2d49l5qm1xgkpr982m3rd9ax08-b.drv');
    assert.equal(
      buildTraceFingerprint({ drvPath, output: 'out' }, outPath),
      '{"key":{"drvPath":"miacmq2d49l5qm1xgkpr982m3rd9ax08-b.drv","outputName":"out"},"value":{"outPath":"iib1c529n3wwn62hhqp000hydbdngv92-b"}}',
    );
  });
});
