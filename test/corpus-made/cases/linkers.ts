/** What GNU ld, gold and ar refuse. */

import { madeCases } from '../case.ts';

const USES = { 'a.c': 'int cublasCreate_v2(void *);\nint main(void) { return cublasCreate_v2(0); }\n' };
const TWICE = { 'a.c': 'int handle = 1;\nint main(void) { return 0; }\n', 'b.c': 'int handle = 2;\n' };
const MAIN = { 'a.c': 'int main(void) { return 0; }\n' };

export const LINKER_CASES = [
  ...madeCases(
    'build',
    ['gcc'],
    [
      ['ld-undefined', 'build-link/undefined-reference', 'gcc a.c -o a', USES],
      [
        'ld-undefined-cxx',
        'build-link/undefined-reference',
        'g++ a.cc -o a',
        { 'a.cc': 'struct S { virtual void f(); };\nint main() { S s; }\n' },
        ['g++'],
      ],
      ['ld-missing-library', 'build-link/missing-library', 'gcc a.c -o a -lcudart -lnvrtc', MAIN],
      ['ld-missing-object', 'build-link/missing-library', 'gcc a.c missing.o -o a', MAIN],
      ['ld-multiple-definition', 'build-link/multiple-definition', 'gcc a.c b.c -o a', TWICE],
      ['ld-no-main', 'build-link/undefined-reference', 'gcc a.c -o a', { 'a.c': 'int x;\n' }],
      [
        'ld-not-an-object',
        'build-link/wrong-object-format',
        'echo "version https://git-lfs.github.com/spec/v1" > libk.a; gcc a.c libk.a -o a',
        MAIN,
      ],
      [
        'ld-other-architecture',
        'build-link/wrong-object-format',
        'gcc -c a.c; echo "nop" > b.s; as --32 b.s -o b.o; gcc a.o b.o -o a',
        MAIN,
      ],
      [
        'ld-not-pic',
        'build-link/linker-error',
        'gcc -fno-pic -c a.c; gcc -shared a.o -o liba.so',
        { 'a.c': 'int x[2];\nint f(int i) { return x[i]; }\n' },
      ],
      [
        'ld-dso-missing',
        'build-link/undefined-reference',
        'gcc -shared -fPIC b.c -o libb.so; gcc -shared -fPIC c.c -o libc2.so -L. -lb; gcc a.c -o a -L. -Wl,--no-copy-dt-needed-entries -lc2',
        {
          'a.c': 'int b(void);\nint c(void);\nint main(void) { return b() + c(); }\n',
          'b.c': 'int b(void) { return 1; }\n',
          'c.c': 'int b(void);\nint c(void) { return b(); }\n',
        },
      ],
      [
        'ld-undefined-in-shared',
        'build-link/undefined-reference',
        'gcc -shared -fPIC b.c -o libb.so; gcc a.c -o a -L. -lb',
        {
          'a.c': 'int b(void);\nint main(void) { return b(); }\n',
          'b.c': 'int cuInit(int);\nint b(void) { return cuInit(0); }\n',
        },
      ],
      [
        'ld-overflow',
        'build-link/relocation-overflow',
        'gcc -O0 a.c b.c -o a',
        {
          'a.c': 'char big[3000000000ul];\nextern int after;\nint main(void) { return after; }\n',
          'b.c': 'char more[3000000000ul];\nint after;\n',
        },
      ],
      ['ld-output-is-folder', 'build-link/linker-error', 'mkdir a; gcc a.c -o a', MAIN],
      ['ld-unknown-option', 'build-link/linker-error', 'gcc a.c -o a -Wl,--no-such-option', MAIN],
      [
        'ld-version-script',
        'build-link/linker-error',
        'gcc -shared -fPIC a.c -o a.so -Wl,--version-script=v',
        { ...MAIN, v: '{ global: ; main;\n' },
      ],
      [
        'ar-truncated',
        'build-link/wrong-object-format',
        'gcc -c a.c b.c; ar rc liba.a b.o; head -c 400 liba.a > libb.a; gcc a.o -Wl,--whole-archive libb.a -o a',
        { 'a.c': 'int main(void) { return 0; }\n', 'b.c': 'int b(void) { return 1; }\n' },
      ],
    ],
  ),
  ...madeCases(
    'build',
    ['gcc', 'ld.gold'],
    [
      ['gold-undefined', 'build-link/undefined-reference', 'gcc -fuse-ld=gold a.c -o a', USES],
      ['gold-missing-library', 'build-link/missing-library', 'gcc -fuse-ld=gold a.c -o a -lcufile', MAIN],
      ['gold-multiple-definition', 'build-link/multiple-definition', 'gcc -fuse-ld=gold a.c b.c -o a', TWICE],
      [
        'gold-not-an-object',
        'build-link/wrong-object-format',
        'echo text > b.o; gcc -fuse-ld=gold a.c b.o -o a',
        MAIN,
      ],
      [
        'gold-not-pic',
        'build-link/linker-error',
        'gcc -fno-pic -c a.c; gcc -fuse-ld=gold -shared a.o -o liba.so',
        {
          'a.c':
            'extern int x[2];\nint f(void) { return x[1]; }\nint *g(void) { return x; }\nint x[2] = {1, 2};\nstatic int y;\nint *h(void) { return &y; }\n',
        },
      ],
    ],
  ),
];
