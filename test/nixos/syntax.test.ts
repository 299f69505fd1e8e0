/** Every Nix file of ours, and every piece of Nix in the documents, is Nix to the oldest and to a current version. */

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { PROJECT_FOLDER } from '../../cli/config.ts';
import { instantiate, instantiators } from './support/machine.ts';

const FILES = ['nixos/**/*.nix', 'test/nixos/**/*.nix'];

for (const { name, argv, skip } of instantiators)
  describe(`Nix files, parsed by ${name}`, { skip }, () => {
    const files = FILES.flatMap((pattern) => globSync(pattern, { cwd: PROJECT_FOLDER })).toSorted();
    test('are there', () => assert.ok(files.length > 10, files.join(', ')));

    for (const file of files)
      test(file, () => {
        instantiate(['--parse', join(PROJECT_FOLDER, file)], argv);
      });

    test('in nixos/README.md, too', () => {
      const readme = readFileSync(join(PROJECT_FOLDER, 'nixos', 'README.md'), 'utf8');
      const blocks = [...readme.matchAll(/^```nix\n(.*?)^```$/gms)].map(([, text = '']) => text);
      assert.ok(blocks.length > 0, 'the README has examples in Nix');
      for (const block of blocks) instantiate(['--parse', '--expr', block], argv);
    });
  });
