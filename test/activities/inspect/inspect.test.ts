/** Real faults, built by the real nvcc through real Nix: found without running anything, and classified alike where they are run. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { createStoreQueries } from '../../../activities/adapters/store-queries.ts';
import { inspectClosure } from '../../../activities/inspect/closure.ts';
import { type InspectedFiles, inspectFiles } from '../../../activities/inspect/inspect.ts';
import { parseComputeCapability } from '../../../domain/ci/architecture.ts';
import { classify } from '../../../domain/ci/classification/classify.ts';
import { parseStorePath } from '../../../domain/nix/store-path.ts';
import { findCudaTools } from '../../support/cuda-tools.ts';

const found = await findCudaTools();
const skip = typeof found === 'string' ? found : false;
const environment = process.env as Record<string, string>;

function build(attribute: string): { status: number | null; paths: string[]; log: string } {
  const runtime12 = typeof found === 'string' ? '' : found.wheel('nvidia_cuda_runtime_cu12-');
  const { status, stdout, stderr } = spawnSync(
    'nix-build',
    [
      join(import.meta.dirname, 'faults.nix'),
      ...['-A', attribute, '--argstr', 'runtime12', runtime12],
      ...['--no-out-link', '--option', 'sandbox', 'false'],
    ],
    { encoding: 'utf8', env: environment },
  );
  return { status, paths: stdout.trim().split('\n'), log: stderr };
}

function built(attribute: string): string {
  const { status, paths, log } = build(attribute);
  assert.equal(status, 0, log);
  return paths[0] ?? '';
}

function inspect(path: string, ...capabilities: string[]): InspectedFiles {
  return inspectFiles(path, {
    capabilities: capabilities.map(parseComputeCapability),
    storeDir: '/nix/store',
  });
}

function faultsOf({ findings }: Pick<InspectedFiles, 'findings'>): string[] {
  return findings.filter(({ severity }) => severity === 'fault').map((one) => `${one.class}/${one.subclass}`);
}

/** What the program says when it is run here, and what the classifier makes of that. */
function run(program: string): { status: number | null; verdict: string } {
  const { status, stderr } = spawnSync(program, [], { encoding: 'utf8', env: { PATH: '/usr/bin:/bin' } });
  const verdict = classify({ stage: 'gpu-test', outcome: 'failed' }, stderr);
  return { status, verdict: `${verdict.class}/${verdict.subclass}` };
}

describe('faults of CUDA packages', { skip }, () => {
  test('an architecture that the toolkit does not know: the build says so', () => {
    const { status, log } = build('unsupportedArchitecture');
    assert.notEqual(status, 0);
    const verdict = classify({ stage: 'build', outcome: 'failed' }, log);
    assert.match(
      `${verdict.class}/${verdict.subclass} ${verdict.scope}`,
      /nvcc-unsupported-arch architecture$/,
    );
    assert.match(verdict.evidence?.text ?? '', /Unsupported gpu architecture 'compute_61'/);
  });

  test('a missing symbol', () => {
    const path = built('missingSymbol');
    const report = inspect(path);
    assert.deepEqual(faultsOf(report), ['runtime-load/undefined-symbol']);
    assert.match(
      report.findings[0]?.message ?? '',
      /bin\/asks uses question, which none of its libraries defines/,
    );
    const { status, verdict } = run(join(path, 'bin', 'asks'));
    assert.equal(status, 127);
    assert.equal(verdict, 'runtime-load/undefined-symbol');
  });

  test("a plugin's symbols are its host's business, CUDA's are not", () => {
    const severities = ['plugin', 'pluginWithoutCudart'].map((name) =>
      inspect(built(name)).findings.map((one) => `${one.severity} ${one.subclass}`),
    );
    assert.deepEqual(severities, [['notice undefined-symbol'], ['fault undefined-symbol']]);
  });

  test('a wrong RUNPATH', () => {
    const path = built('wrongRunpath');
    const report = inspect(path);
    assert.deepEqual(faultsOf(report), ['runtime-load/library-missing']);
    assert.match(
      report.findings[0]?.message ?? '',
      /needs libanswers\.so\.1, which is not in \/nix\/store\/\S+\/lib64, /,
    );
    const { status, verdict } = run(join(path, 'bin', 'asks'));
    assert.equal(status, 127);
    assert.equal(verdict, 'runtime-load/library-missing');
  });

  test('a stub in front of the driver, behind it, and no way to the driver at all', () => {
    const path = built('stubInFront');
    const report = inspect(path);
    assert.deepEqual(faultsOf(report), ['runtime-load/libcuda-stub']);
    assert.match(
      report.findings[0]?.message ?? '',
      /takes libcuda\.so\.1 from \/nix\/store\/\S+\/lib\/stubs\/libcuda\.so\.1, not from the driver/,
    );
    assert.deepEqual(run(join(path, 'bin', 'init')), { status: 34, verdict: 'runtime-load/libcuda-stub' });

    const behind = inspect(built('stubBehind'));
    assert.deepEqual(faultsOf(behind), []);
    assert.deepEqual(
      behind.findings.map(({ subclass }) => subclass),
      ['stub-in-runpath'],
    );
    assert.equal(behind.files[0]?.needed[0]?.path, '/run/opengl-driver/lib/libcuda.so.1');

    const none = inspect(built('noDriverPath'));
    assert.ok(none.findings.some(({ subclass }) => subclass === 'libcuda-missing-runpath'));
    assert.equal(none.files[0]?.needed[0]?.path, null);
  });

  test('two CUDA majors in one process', async () => {
    const path = built('twoMajors');
    const report = inspect(path);
    assert.deepEqual(faultsOf(report).toSorted(), [
      'runtime-load/duplicate-cuda-library',
      'runtime-load/two-cuda-majors',
    ]);
    const majors = report.findings.find(({ subclass }) => subclass === 'two-cuda-majors');
    assert.match(
      majors?.message ?? '',
      /CUDA 12 and 13 meet in one process: .*libcudart\.so\.12 .* and .*libcudart\.so\.13/,
    );
    await using store = createStoreQueries({ prefix: [], environment });
    const { findings } = await inspectClosure(store, parseStorePath(path), undefined);
    assert.deepEqual(
      findings.map(({ severity, subclass }) => `${severity} ${subclass}`),
      ['notice duplicate-cuda-library'],
    );
    assert.match(
      findings[0]?.message ?? '',
      /libcudart more than once: .*libcudart\.so\.1[23], .*libcudart\.so\.1[23];/,
    );
    // Both are there when it runs, as the loader itself says.
    const loaded = execFileSync(join(path, 'bin', 'two'), {
      encoding: 'utf8',
      env: { LD_TRACE_LOADED_OBJECTS: '1' },
    });
    assert.match(loaded, /libcudart\.so\.12 => [^]*libcudart\.so\.13 =>/);
  });

  test('no PTX: newer GPUs have nothing to run', () => {
    const path = built('noPtx');
    const report = inspect(path, '8.6', '8.9', '9.0');
    assert.deepEqual(
      report.coverage.map(({ capability, how }) => `${capability} ${how}`),
      ['8.6 none', '8.9 cubin', '9.0 none'],
    );
    assert.deepEqual(faultsOf(report), ['arch-specific/no-kernel-image', 'arch-specific/no-kernel-image']);
    const withPtx = inspect(built('vecmath'), '8.9', '12.0');
    assert.deepEqual(
      withPtx.coverage.map(({ capability, how }) => `${capability} ${how}`),
      ['8.9 cubin', '12.0 ptx'],
    );
    assert.deepEqual(faultsOf(withPtx), []);
  });

  test("a program's GPUs are those of the libraries that it loads", () => {
    const { files, libraries, coverage } = inspect(built('saxpy'), '7.5', '6.1');
    assert.equal(files[0]?.deviceCode, null);
    assert.match(libraries[0]?.path ?? '', /libvecmath\.so$/);
    assert.deepEqual(
      coverage.map(({ how }) => how),
      ['cubin', 'none'],
    );
  });

  describe('closures', () => {
    const store = createStoreQueries({ prefix: [], environment });
    after(() => store[Symbol.asyncDispose]());

    test('a leaked toolkit: which tool, by which files, and that it is new', async () => {
      const [leaky, tidy] = [built('leakedToolkit'), built('saxpy')];
      const { closure, findings } = await inspectClosure(store, parseStorePath(leaky), parseStorePath(tidy));
      const nvcc = closure.buildTools.find(({ path }) => path.includes('cuda_nvcc'));
      assert.equal(nvcc?.kind, 'compiler');
      assert.deepEqual(
        nvcc?.chain.map(({ path, file }) => `${path.slice(44)} ${file}`),
        ['leaked-toolkit-1.0 bin/saxpy', 'cudatoolkit-1.0 bin/__nvcc_device_query', 'cuda_nvcc-13.5.37 null'],
      );
      assert.ok(
        findings.every((one) => `${one.class}/${one.subclass}` === 'closure-regression/leaked-toolchain'),
      );
      const verdict = classify(
        { stage: 'measure', outcome: 'built', closureToolchains: closure.buildTools.map(({ path }) => path) },
        '',
      );
      assert.equal(`${verdict.class}/${verdict.subclass}`, 'closure-regression/leaked-toolchain');
      const added = closure.difference?.added.find(({ path }) => path.includes('cuda_nvcc'));
      assert.deepEqual(
        [added?.cause, added?.referrer?.slice(44), (added?.narSize ?? 0) > 2e8],
        ['new-referrer', 'cudatoolkit-1.0', true],
      );
      assert.ok((closure.difference?.bytesAfter ?? 0) > 100 * (closure.difference?.bytesBefore ?? 0));
    });

    test('a tidy closure has no build tool, and the sizes that Nix says', async () => {
      const path = built('saxpy');
      const { closure, findings } = await inspectClosure(store, parseStorePath(path), undefined);
      assert.deepEqual(findings, []);
      const paths = execFileSync('nix-store', ['-qR', path], { encoding: 'utf8' }).trim().split('\n');
      const sizes = execFileSync('nix-store', ['-q', '--size', ...paths], { encoding: 'utf8' })
        .trim()
        .split('\n');
      assert.equal(closure.paths, paths.length);
      assert.equal(
        closure.closureSize,
        sizes.reduce((sum, size) => sum + Number(size), 0),
      );
    });
  });

  test('a Python package: its extension modules, installed and in a wheel', () => {
    const path = built('pythonPackage');
    const { files, coverage } = inspect(path, '8.9', '9.0');
    const modules = files.flatMap(({ python, deviceCode, needed }) =>
      python === null
        ? []
        : [
            `${python.package} ${python.module} ${deviceCode?.images.map(({ kind, architecture }) => `${kind} ${architecture}`).join(', ')} ${needed.find(({ name }) => name.startsWith('libcudart'))?.path?.replace(path, '')}`,
          ],
    );
    const site = '/lib/python3.12/site-packages';
    const wheel = '/wheel/fast-1.0-cp312-cp312-linux_x86_64.whl';
    // `inner` is one folder too deep for the RUNPATH.
    const images = 'cubin sm_89, ptx sm_89';
    assert.deepEqual(modules, [
      `fast fast._native ${images} ${site}/fast/../nvidia/lib/libcudart.so.13`,
      `fast fast.inner._native ${images} undefined`,
      `fast fast._native ${images} ${wheel}!/fast/../nvidia/lib/libcudart.so.13`,
      `fast fast.inner._native ${images} undefined`,
    ]);
    assert.deepEqual(
      coverage.map(({ how }) => how),
      ['cubin', 'ptx'],
    );
    assert.ok(files.some(({ kind, path: at }) => kind === 'wheel' && at.endsWith('.whl')));
  });
});

describe('the loader', { skip: existsSync('/lib64/ld-linux-x86-64.so.2') ? false : 'no glibc here' }, () => {
  for (const program of ['/usr/bin/git', '/usr/bin/readelf', '/usr/bin/perl', '/usr/bin/bash'])
    test(`loads for ${program} what glibc does`, { skip: !existsSync(program) }, () => {
      const real = execFileSync('/lib64/ld-linux-x86-64.so.2', ['--list', program], {
        encoding: 'utf8',
        env: {},
      });
      const theirs = [...real.matchAll(/^\s+(\S+) => (\S+) \(/gm)].map(([, name, path]) => `${name} ${path}`);
      const { files } = inspect(program);
      const ours = files[0]?.needed.map(({ name, path }) => `${name} ${path}`) ?? [];
      assert.ok(ours.length > 0);
      assert.deepEqual(
        ours.filter((one) => !one.includes('ld-linux')),
        theirs.filter((one) => ours.includes(one)),
      );
    });
});
