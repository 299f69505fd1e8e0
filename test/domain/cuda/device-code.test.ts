/** Our reader of device code against NVIDIA's `cuobjdump`, on what the real `nvcc` writes and on libraries from PyPI. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { parseComputeCapability } from '../../../domain/ci/architecture.ts';
import { answerFor, countImages, findDeviceCode } from '../../../domain/cuda/device-code.ts';
import { readImage } from '../../../domain/cuda/fat-binary.ts';
import { type ByteSource, sourceOfBytes } from '../../../domain/elf/byte-source.ts';
import { type CudaTools, findCudaTools } from '../../support/cuda-tools.ts';
import { temporaryFolder } from '../../support/temporary.ts';

const found = await findCudaTools();
const skip = typeof found === 'string' ? found : false;
const tools = found as CudaTools;

const SOURCE = `#include <cstdio>
__global__ void scale(float *values, float by, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) values[i] *= by;
}
__global__ void fill(float *values, float by, int n) {
  __shared__ float block[256];
  block[threadIdx.x] = by;
  __syncthreads();
  for (int i = threadIdx.x; i < n; i += 256) values[i] = block[i % 256];
}
int main() { scale<<<1, 1>>>(0, 1, 0); fill<<<1, 256>>>(0, 1, 0); return cudaDeviceSynchronize(); }
`;

function code(kind: 'sm' | 'compute' | 'lto', capability: string): string {
  return `-gencode=arch=compute_${capability},code=${kind}_${capability}`;
}

const ALL = [
  code('sm', '75'),
  code('sm', '89'),
  code('sm', '90a'),
  code('sm', '100f'),
  code('sm', '120a'),
  code('compute', '90'),
  code('compute', '120f'),
];

/** As `cuobjdump --list-elf --list-ptx` names them; it tells families by PTX only. */
function listByCuobjdump(file: string): string[] {
  const text = execFileSync(tools.cuobjdump, ['--list-elf', '--list-ptx', file], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return [...text.matchAll(/^(ELF|PTX) file +\d+: .*\.(sm_\w+)\.(?:cubin|ptx)$/gm)]
    .map(([, kind, architecture]) => `${kind === 'ELF' ? 'cubin' : 'ptx'} ${architecture}`)
    .toSorted();
}

function listByUs(source: ByteSource): string[] {
  return findDeviceCode(source)
    .flatMap(({ images }) => images)
    .filter(({ kind }) => kind === 'cubin' || kind === 'ptx')
    .map(({ kind, architecture }) =>
      kind === 'cubin' ? `cubin ${architecture.replace(/f$/, '')}` : `ptx ${architecture}`,
    )
    .toSorted();
}

function assertAgree(file: string): string[] {
  const theirs = listByCuobjdump(file);
  assert.deepEqual(listByUs(sourceOfBytes(readFileSync(file))), theirs);
  assert.ok(theirs.length > 0, `cuobjdump lists nothing in ${file}`);
  return theirs;
}

/** Every image that `cuobjdump` extracts, byte for byte among those that we unpack. */
function assertSameBytes(file: string, folder: string): number {
  execFileSync(tools.cuobjdump, ['--extract-elf', 'all', '--extract-ptx', 'all', file], {
    cwd: folder,
    stdio: 'ignore',
  });
  const ours = findDeviceCode(sourceOfBytes(readFileSync(file)))
    .flatMap(({ images }) => images)
    .map((image) => trimmed(readImage(image)));
  const theirs = readdirSync(folder).filter((name) => /\.(cubin|ptx)$/.test(name));
  for (const name of theirs) {
    const bytes = trimmed(readFileSync(join(folder, name)));
    assert.ok(
      ours.some((one) => one.equals(bytes)),
      `${name} is none of ours`,
    );
  }
  return theirs.length;
}

/** PTX and cubins are padded with zeros, of which tools keep more or fewer. */
function trimmed(bytes: Uint8Array): Buffer {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return Buffer.from(bytes.buffer, bytes.byteOffset, end);
}

describe('device code that nvcc writes', { skip }, () => {
  let folder: string;
  before(async () => {
    folder = await temporaryFolder('device-code');
    await writeFile(join(folder, 'k.cu'), SOURCE);
  });

  for (const mode of ['speed', 'size'])
    test(`a fat binary of compression mode ${mode}`, async () => {
      const file = join(folder, `${mode}.fatbin`);
      await tools.nvcc([...ALL, '-fatbin', `-compress-mode=${mode}`, '-o', file, 'k.cu'], folder);
      assert.equal(assertAgree(file).length, 7);
      const extracted = join(folder, `extracted-${mode}`);
      await mkdir(extracted);
      assert.equal(assertSameBytes(file, extracted), 7);
    });

  test('each compressed form is met: LZ4, zstd, and several images packed as one', async () => {
    await tools.nvcc(['-arch=sm_90', '-cubin', '-o', 'a.cubin', 'k.cu'], folder);
    await tools.nvcc(['-arch=sm_75', '-cubin', '-o', 'b.cubin', 'k.cu'], folder);
    const images = ['--image3=kind=elf,sm=90,file=a.cubin', '--image3=kind=elf,sm=75,file=b.cubin'];
    for (const [name, flags, expected] of [
      ['lz4', ['--compress-mode=speed'], ['lz4']],
      ['zstd', ['--compress-mode=size'], ['zstd']],
      ['together', ['--concat'], ['zstd']],
    ] as const) {
      const file = join(folder, `forms-${name}.fatbin`);
      await tools.tool(
        'fatbinary',
        [`--create=${file}`, '--64', '-compress-all', ...flags, ...images],
        folder,
      );
      assert.deepEqual(assertAgree(file), ['cubin sm_75', 'cubin sm_90']);
      const modules = findDeviceCode(sourceOfBytes(readFileSync(file)));
      assert.deepEqual([...new Set(countImages(modules).flatMap((one) => one.compression))], expected);
      const extracted = join(folder, `extracted-${name}`);
      await mkdir(extracted);
      assert.equal(assertSameBytes(file, extracted), 2);
    }
  });

  test('a program, linked as a whole or from relocatable device code, its object file and a static library', async () => {
    const small = [code('sm', '75'), code('sm', '90a'), code('compute', '90')];
    await tools.nvcc([...small, '-cudart', 'shared', '-o', 'whole', 'k.cu'], folder);
    await tools.nvcc([...small, '-rdc=true', '-c', '-o', 'k.o', 'k.cu'], folder);
    await tools.nvcc([...small, '-rdc=true', '-cudart', 'shared', '-o', 'parts', 'k.o'], folder);
    execFileSync('ar', ['rcs', 'libwith_a_name_longer_than_16.a', 'k.o'], { cwd: folder });
    for (const name of ['whole', 'k.o', 'parts', 'libwith_a_name_longer_than_16.a'])
      assertAgree(join(folder, name));
  });

  test('a program without section headers', async () => {
    const stripped = readFileSync(join(folder, 'whole'));
    // e_shoff, e_shnum and e_shstrndx: as `sstrip` leaves them.
    stripped.fill(0, 40, 48).fill(0, 60, 64);
    assert.deepEqual(listByUs(sourceOfBytes(stripped)), listByCuobjdump(join(folder, 'whole')));
  });

  test('a fat binary that a program carries as data', async () => {
    const bytes = readFileSync(join(folder, 'size.fatbin'));
    await writeFile(
      join(folder, 'data.c'),
      `__attribute__((aligned(8))) const unsigned char image[] = {${bytes.join(',')}}; int main(void) { return image[0]; }`,
    );
    execFileSync('gcc', ['data.c', '-o', 'data'], { cwd: folder });
    const modules = findDeviceCode(sourceOfBytes(readFileSync(join(folder, 'data'))));
    assert.deepEqual(
      modules.map(({ where, images }) => `${where} ${images.length}`),
      ['.rodata 7'],
    );
  });

  for (const capability of ['90', '90a', '100f', '120a'])
    test(`a cubin for sm_${capability} says so itself`, async () => {
      const file = join(folder, `${capability}.cubin`);
      await tools.nvcc([`-arch=sm_${capability}`, '-cubin', '-o', file, 'k.cu'], folder);
      assert.deepEqual(assertAgree(file), [`cubin sm_${capability.replace('f', '')}`]);
    });

  test("code for a linker (LTO-IR) runs nowhere by itself, and is NVIDIA's secret", async () => {
    const file = join(folder, 'lto.fatbin');
    await tools.nvcc([code('lto', '89'), '-rdc=true', '-fatbin', '-o', file, 'k.cu'], folder);
    const modules = findDeviceCode(sourceOfBytes(readFileSync(file)));
    assert.deepEqual(
      countImages(modules).map(({ kind, architecture }) => `${kind} ${architecture}`),
      ['lto-ir sm_89'],
    );
    assert.equal(answerFor(modules, parseComputeCapability('8.9')).how, 'none');
    assert.throws(
      () => modules.flatMap(({ images }) => images).map(readImage),
      /an encrypted image" is not readable by others than NVIDIA's tools/,
    );
  });

  test('which GPUs the program runs on, and how', () => {
    const modules = findDeviceCode(sourceOfBytes(readFileSync(join(folder, 'size.fatbin'))));
    const answers = ['6.1', '7.5', '8.0', '8.6', '8.9', '9.0', '10.0', '10.3', '12.0', '12.1'].map((one) => {
      const { how, by } = answerFor(modules, parseComputeCapability(one));
      return `${one}: ${how}${by === null ? '' : ` by ${by}`}`;
    });
    assert.deepEqual(answers, [
      '6.1: none',
      '7.5: cubin by sm_75',
      '8.0: none',
      '8.6: none',
      '8.9: cubin by sm_89',
      '9.0: cubin by sm_90a',
      '10.0: cubin by sm_100f',
      '10.3: cubin by sm_100f',
      '12.0: cubin by sm_120a',
      '12.1: ptx by compute_120f',
    ]);
  });
});

describe("NVIDIA's libraries from PyPI", { skip }, () => {
  for (const [wheel, library, compression] of [
    ['nvidia_nvjpeg-', 'nvidia/cu13/lib/libnvjpeg.so.13', 'zstd'],
    ['nvidia_nvjpeg_cu12-', 'nvidia/nvjpeg/lib/libnvjpeg.so.12', 'lz4'],
  ] as const)
    test(`${basename(library)}: the same images as cuobjdump, each unpacks to what its header says`, async () => {
      const folder = await temporaryFolder('nvjpeg');
      execFileSync('python3', ['-m', 'zipfile', '-e', tools.wheel(wheel), folder]);
      const file = join(folder, library);
      assert.ok(assertAgree(file).length > 100);
      const modules = findDeviceCode(openSource(file));
      assert.ok(countImages(modules).some((one) => one.compression.includes(compression)));
      for (const image of modules.flatMap(({ images }) => images)) {
        const bytes = readImage(image);
        if (image.kind === 'cubin')
          assert.deepEqual(listByUs(sourceOfBytes(bytes)), [`cubin ${image.architecture}`]);
        else {
          const text = Buffer.from(bytes).toString('latin1');
          assert.equal(/\.version (\S+)/.exec(text)?.[1], image.ptxVersion);
          assert.equal(/\.target (sm_\w+)/.exec(text)?.[1], image.architecture);
        }
      }
    });
});

/** A file read in pieces, as `nixwarp inspect` reads it. */
function openSource(file: string): ByteSource {
  return {
    size: statSync(file).size,
    read: (offset, length) => {
      const bytes = Buffer.alloc(length);
      const descriptor = openSync(file, 'r');
      readSync(descriptor, bytes, 0, length, offset);
      closeSync(descriptor);
      return bytes;
    },
  };
}
