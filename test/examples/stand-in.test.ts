/** The stand-in GPU of examples/cuda: what its nvidia-smi answers, and which device code its libcuda.so.1 takes. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
const STAND_IN = join(ROOT, 'examples', 'cuda', 'stand-in');
const IMAGES = join(ROOT, 'test', 'vectors', 'fatbin');
const LOADER = join(ROOT, 'test', 'support', 'stand-in', 'load-image.c');

const hasCompiler = spawnSync('cc', ['--version']).status === 0;
const skip = hasCompiler ? false : 'the stand-in needs a C compiler (cc), and there is none here';

let folder = '';
const out = (...path: string[]): string => join(folder, 'gpu', ...path);
const playedGpu = (): string => join(folder, 'played-gpu');

/** Builds once. nvidia-smi reads the file that build.sh made; the library reads one of its own, which each test writes. */
function buildStandIn(): void {
  folder = mkdtempSync(join(tmpdir(), 'nixwarp-stand-in-'));
  const env = { ...process.env, CFLAGS: `-DSTAND_IN_GPU_FILE="${playedGpu()}"` };
  execFileSync(join(STAND_IN, 'build.sh'), [out(), '8.9'], { env });
  execFileSync('cc', ['-std=gnu11', '-o', join(folder, 'load-image'), LOADER, '-ldl']);
}

function uuid(): string {
  return /^uuid=(.*)$/mu.exec(readFileSync(out('stand-in-gpu'), 'utf8'))?.[1] ?? '';
}

function smi(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const env = { PATH: process.env['PATH'] };
  const { status, stdout, stderr } = spawnSync(out('bin', 'nvidia-smi'), args, { encoding: 'utf8', env });
  return { status, stdout, stderr };
}

/** What a program is answered that loads `image` on a GPU of `capability`: call → number or text. */
function load(image: string, capability: string): Record<string, string> {
  writeFileSync(playedGpu(), `name=Stand-in\ncompute_cap=${capability}\ncuda=13.5\nmemory_mib=16\n`);
  const file = join(IMAGES, image);
  const args = [out('lib', 'libcuda.so.1'), file];
  const text = execFileSync(join(folder, 'load-image'), args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return Object.fromEntries(
    text
      .trim()
      .split('\n')
      .map((line): [string, string] => {
        const [call = '', answer = ''] = line.split(' ');
        return [call, answer];
      }),
  );
}

void describe('the stand-in GPU', { skip }, () => {
  before(buildStandIn);
  after(() => {
    rmSync(folder, { recursive: true });
  });

  void describe('nvidia-smi', () => {
    void test('answers the query by which GPUs are probed', () => {
      const fields = 'index,name,uuid,compute_cap,driver_version,memory.total';
      const { status, stdout } = smi(`--query-gpu=${fields}`, '--format=csv,noheader,nounits');
      assert.equal(status, 0);
      assert.equal(stdout, `0, Stand-in (sm_89), ${uuid()}, 8.9, 999.99, 1024\n`);
    });

    void test('says in name and UUID that it is a stand-in', () => {
      assert.match(uuid(), /^GPU-STAND-IN-sm_89-\d+$/u);
      assert.equal(smi('-L').stdout, `GPU 0: Stand-in (sm_89) (UUID: ${uuid()})\n`);
    });

    const queries: [title: string, args: string[], stdout: string, status: number][] = [
      ['any order and a subset', ['--query-gpu=compute_cap,index', '--format=csv,noheader'], '8.9, 0\n', 0],
      [
        'a header and units',
        ['--query-gpu=memory.total,count', '--format=csv'],
        'memory.total [MiB], count\n1024 MiB, 1\n',
        0,
      ],
      [
        '[N/A] for what it does not play',
        ['--query-gpu=ecc.mode.current', '--format=csv,noheader'],
        '[N/A]\n',
        0,
      ],
      ['no devices for another index', ['-i', '1', '-L'], 'No devices were found\n', 6],
      ['nothing for a field that does not exist', ['--query-gpu=colour', '--format=csv'], '', 2],
      ['nothing without a format', ['--query-gpu=name'], '', 2],
    ];
    for (const [title, args, stdout, status] of queries) {
      void test(`answers ${title}`, () => {
        const answer = smi(...args);
        assert.deepEqual([answer.stdout, answer.status], [stdout, status]);
      });
    }

    void test('fails as the real one does where its file is missing', () => {
      const env = { PATH: process.env['PATH'], NIXWARP_STAND_IN_GPU: join(folder, 'nothing') };
      const { status, stderr } = spawnSync(out('bin', 'nvidia-smi'), ['-L'], { encoding: 'utf8', env });
      assert.equal(status, 9);
      assert.match(stderr, /couldn't communicate with the NVIDIA driver/u);
    });
  });

  void describe('libcuda.so.1', () => {
    // `chosen` is what the kernel of the chosen image was compiled for; absent: refused with error 209.
    const decisions: [image: string, capability: string, chosen?: string][] = [
      ['sm_75.fatbin', '7.5', '750'],
      ['sm_75.fatbin', '8.9'],
      ['sm_75.fatbin', '6.1'],
      ['sm_75-ptx.fatbin', '7.5', '750'],
      ['sm_75-ptx.fatbin', '8.9', '750'],
      ['sm_75-ptx.fatbin', '12.0', '750'],
      ['sm_75-ptx.fatbin', '6.1'],
      ['sm_75-sm_86-sm_89.fatbin', '8.6', '860'],
      ['sm_75-sm_86-sm_89.fatbin', '8.7', '860'],
      ['sm_75-sm_86-sm_89.fatbin', '8.9', '890'],
      ['sm_75-sm_86-sm_89.fatbin', '8.0'],
      ['sm_75-sm_86-sm_89.fatbin', '9.0'],
      ['sm_90a.fatbin', '9.0', '900'],
      ['sm_90a.fatbin', '9.1'],
      ['sm_100f.fatbin', '10.0', '1000'],
      ['sm_100f.fatbin', '10.3', '1000'],
      ['sm_100f.fatbin', '12.0'],
      ['sm_89.cubin', '8.9', '890'],
      ['sm_89.cubin', '8.6'],
      ['compute_75.ptx', '8.9', '750'],
      ['compute_75.ptx', '7.2'],
      ['compute_90a.ptx', '9.0', '900'],
      ['compute_90a.ptx', '10.0'],
    ];
    for (const [image, capability, chosen] of decisions) {
      void test(`${chosen === undefined ? 'refuses' : 'takes'} ${image} on ${capability}`, () => {
        const answers = load(image, capability);
        assert.equal(answers['cuModuleLoadData'], chosen === undefined ? '209' : '0');
        assert.equal(answers['compiled_for'], chosen);
      });
    }

    void test('computes what the kernel computes', () => {
      assert.equal(load('sm_89.cubin', '8.9')['saxpy'], '12,24,36');
    });

    void test('refuses a kernel without twin, and one that the image has not', () => {
      const answers = load('sm_75-ptx.fatbin', '8.9');
      assert.deepEqual([answers['without_twin'], answers['not_in_the_image']], ['801', '500']);
    });

    void test('refuses a compressed image, in which it cannot look for kernels', () => {
      const answers = load('compressed.fatbin', '8.9');
      assert.deepEqual(
        [answers['cuModuleLoadData'], answers['saxpy'], answers['compiled_for']],
        ['0', '10,20,30', '801'],
      );
    });

    void test('refuses what is no device code', () => {
      assert.equal(load('README.md', '8.9')['cuModuleLoadData'], '200');
    });

    void test('refuses memory before a context is current', () => {
      assert.equal(load('sm_89.cubin', '8.9')['without-context'], '201');
    });

    void test('finds no device where its file names none', () => {
      assert.equal(load('sm_89.cubin', 'none')['cuInit'], '100');
    });
  });
});
