/** How fast a large log is classified, and in how much memory: prints figures, asserts nothing. */

import { createClassifier } from '../../domain/ci/classification/classify.ts';

const MEBIBYTE = 1024 * 1024;

/** Logs of one kind each, made of lines as CUDA builds and checks print them; the failure comes last. */
const LOGS: Readonly<Record<string, (n: number) => string>> = {
  'CUDA build': (n) =>
    n % 7 === 0
      ? `nvcc -forward-unknown-to-host-compiler -DUSE_CUDA -I/nix/store/84qz2fglv81652421vid31wkvawxddvs-cuda_cudart-12.8.90-dev/include -gencode arch=compute_${75 + (n % 15)},code=sm_${75 + (n % 15)} -c kernel_${n}.cu`
      : `[ ${n % 100}%] Building CUDA object caffe2/CMakeFiles/torch_cuda.dir/__/aten/src/ATen/native/cuda/kernel_${n}${n % 11 === 0 ? '_error' : ''}.cu.o`,
  warnings: (n) =>
    `/build/source/src/attention_${n}.cpp:${n % 900}:12: warning: comparison of integer expressions of different signedness: 'int' and 'size_t' [-Wsign-compare]`,
  'NCCL debug': (n) =>
    `ada:${n}:${n + 8} [${n % 8}] NCCL INFO Channel ${n % 24}/0 : 0[0] -> 1[1] via P2P/IPC`,
  'every line a miss': (n) =>
    `${n} error: x undefined symbol: ; CUDA error at ${n}: nothing (cannot open shared object file) NCCL WARN .`,
};

/** Classifies 64 MiB of each kind and prints seconds and memory. `print` takes one line. */
export function benchClassify(print: (line: string) => void = console.log, mebibytes = 64): void {
  for (const [kind, line] of Object.entries(LOGS)) {
    const bytes = logOf(line, MEBIBYTE);
    const before = process.memoryUsage.rss();
    const started = performance.now();
    const cpu = process.cpuUsage();
    const classifier = createClassifier({ stage: 'build', outcome: 'failed' });
    for (let written = 0; written < mebibytes; written++) {
      for (let at = 0; at < bytes.length; at += 65_536) classifier.write(bytes.subarray(at, at + 65_536));
    }
    classifier.write("ptxas fatal   : Unresolved extern function 'f'\n");
    const verdict = classifier.end();
    const seconds = (performance.now() - started) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    const grown = (process.memoryUsage.rss() - before) / MEBIBYTE;
    print(
      `classify ${kind}: ${mebibytes} MiB in ${seconds.toFixed(2)} s (${(mebibytes / seconds).toFixed(0)} MiB/s, ${((user + system) / 1e6).toFixed(2)} s of CPU), ` +
        `resident +${grown.toFixed(0)} MiB of ${(process.memoryUsage.rss() / MEBIBYTE).toFixed(0)}, ${verdict.class}/${verdict.subclass}`,
    );
  }
}

function logOf(line: (n: number) => string, bytes: number): Uint8Array {
  const lines: string[] = [];
  for (let length = 0, n = 1; length < bytes; n++) {
    const text = line(n);
    lines.push(text);
    length += text.length + 1;
  }
  return new TextEncoder().encode(`${lines.join('\n')}\n`);
}
