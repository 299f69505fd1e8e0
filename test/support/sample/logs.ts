/** Logs of the sample graph: short builds, a failing compiler in colour, a very long one, and hostile text. */

const ESC = '\u001b';

/** A build that ends well. */
export function goodLog(name: string): string {
  return [
    `${ESC}[1mRunning phase: unpackPhase${ESC}[0m`,
    `unpacking source archive /nix/store/0000000000000000000000000000000a-${name}-src.tar.gz`,
    `${ESC}[1mRunning phase: buildPhase${ESC}[0m`,
    'nvcc -O2 -gencode arch=compute_89,code=sm_89 -c kernels.cu -o kernels.o',
    `${ESC}[1mRunning phase: installPhase${ESC}[0m`,
    `installing to /nix/store/0000000000000000000000000000000b-${name}`,
    '',
  ].join('\n');
}

/** A build that ends with these lines; `at` is where the first of them stands. */
export function failingLog(name: string, at: number, lines: readonly string[]): string {
  const before = Array.from({ length: at - 1 }, (_, index) =>
    index % 7 === 0
      ? `[${index}/${at}] ${ESC}[32mBuilding CUDA object${ESC}[0m src/CMakeFiles/${name}.dir/kernel_${index}.cu.o`
      : `/build/source/src/kernel_${index}.cu(${index + 3}): ${ESC}[35mwarning${ESC}[0m #177-D: variable "unused_${index}" was declared but never referenced`,
  );
  return [...before, ...lines, ''].join('\n');
}

/** Everything that a page must not believe. */
export const HOSTILE_LINES = [
  '<script>document.title = "owned"</script><img src=x onerror="document.title=\'owned\'">',
  `${ESC}]8;;javascript:alert(1)${ESC}\\click me${ESC}]8;;${ESC}\\ ${ESC}[31;1mred${ESC}[0m ${ESC}[2J${ESC}[H wiped?`,
  'progress 10%\rprogress 50%\rprogress 100%\r',
  'right-to-left \u202Eevil\u202C override, zero \u0000 byte and bell \u0007',
  `one very long line ${'x'.repeat(9_000)} end`,
  '</pre></code></main><h1>not a heading</h1>',
];
