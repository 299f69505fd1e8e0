/** systemd's own opinion of the units that the modules make. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { evaluateComplete, noNix, type Service } from './support/machine.ts';
import { formatUnit } from './support/units.ts';

/** What a later systemd than this machine's knows: NixOS has a newer one. */
const NEWER_KEYS: readonly (readonly [version: number, key: string])[] = [
  [254, 'RestartSteps'],
  [254, 'RestartMaxDelaySec'],
];
/** Of 10; systemd calls what is above 5 exposed. */
const MOST_EXPOSED = 2.5;

const version = Number(
  /^systemd (\d+)/.exec(spawnSync('systemd-analyze', ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1],
);
// 250 is the first that judges files without a running systemd.
const skip = noNix || (version >= 250 ? false : 'systemd-analyze, of systemd 250 or newer, is not on PATH');

describe('units of the NixOS modules', { skip }, () => {
  const services = skip === false ? Object.entries(evaluateComplete().services) : [];

  test('are all that systemd expects of a unit', () => {
    const output = withUnits(services, (folder, files) => {
      const { stderr, stdout } = spawnSync(
        'systemd-analyze',
        ['verify', '--man=no', '--recursive-errors=no', ...files],
        { encoding: 'utf8', env: { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:` } },
      );
      return `${stdout}${stderr}`;
    });
    const known = NEWER_KEYS.filter(([since]) => version < since).map(([, key]) => `'${key}'`);
    const complaints = output
      .split('\n')
      .filter(
        (line) =>
          line.includes('nixwarp-') &&
          !known.some((key) => line.includes('Unknown key') && line.includes(key)),
      );
    assert.deepEqual(complaints, []);
  });

  for (const [name] of services)
    test(`${name} is exposed to little`, () => {
      const output = withUnits(services, (folder) =>
        execFileSync(
          'systemd-analyze',
          ['security', '--offline=true', '--no-pager', join(folder, `${name}.service`)],
          {
            encoding: 'utf8',
            env: { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:` },
            stdio: ['ignore', 'pipe', 'pipe'],
          },
        ),
      );
      const exposure = Number(/Overall exposure level for .*: ([0-9.]+)/.exec(output)?.[1]);
      assert.ok(exposure <= MOST_EXPOSED, `${name}: ${exposure}\n${output}`);
    });
});

function withUnits<T>(
  services: readonly (readonly [string, Service])[],
  use: (folder: string, files: readonly string[]) => T,
): T {
  const folder = mkdtempSync(join(tmpdir(), 'nixwarp-units-'));
  try {
    const files = services.map(([name, service]) => {
      const file = join(folder, `${name}.service`);
      writeFileSync(
        file,
        formatUnit(name, service, () => '/bin/true'),
      );
      return file;
    });
    return use(folder, files);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
