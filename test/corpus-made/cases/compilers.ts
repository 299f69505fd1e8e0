/** What gcc, g++, GNU as and the preprocessor refuse. */

import { madeCases } from '../case.ts';

const DEEP = `int x = ${'('.repeat(60_000)}1${')'.repeat(60_000)};\n`;

export const COMPILER_CASES = [
  ...madeCases(
    'build',
    ['gcc'],
    [
      [
        'gcc-missing-header',
        'build-compile/missing-header',
        'gcc -c a.c',
        { 'a.c': '#include <nccl.h>\nint x;\n' },
      ],
      [
        'gcc-nested-header',
        'build-compile/missing-header',
        'gcc -I. -c a.c',
        { 'a.c': '#include "b.h"\n', 'b.h': '#pragma once\n#include <nvtx3/nvToolsExt.h>\n' },
      ],
      [
        'gcc-undeclared',
        'build-compile/api-change',
        'gcc -c a.c',
        { 'a.c': 'int f(void) { return cudaDevAttrFoo; }\n' },
      ],
      ['gcc-unknown-type', 'build-compile/api-change', 'gcc -c a.c', { 'a.c': 'cudaStream_t s;\n' }],
      [
        'gcc-no-member',
        'build-compile/api-change',
        'gcc -c a.c',
        { 'a.c': 'struct p { int a; };\nint f(struct p *p) { return p->clockRate; }\n' },
      ],
      [
        'gcc-too-few-arguments',
        'build-compile/api-change',
        'gcc -c a.c',
        { 'a.c': 'int g(int, int);\nint f(void) { return g(1); }\n' },
      ],
      ['gcc-syntax', 'build-compile/compile-error', 'gcc -c a.c', { 'a.c': 'int f(void) { return 1 }\n' }],
      [
        'gcc-werror',
        'build-compile/werror',
        'gcc -Wall -Werror -c a.c',
        { 'a.c': 'int f(void) { int n; return 0; }\n' },
      ],
      [
        'gcc-werror-format',
        'build-compile/werror',
        'gcc -Wformat -Werror=format-security -c a.c',
        { 'a.c': '#include <stdio.h>\nvoid f(char *s) { printf(s); }\n' },
      ],
      [
        'gcc-implicit-function',
        'build-compile/werror',
        'gcc -Werror=implicit-function-declaration -c a.c',
        { 'a.c': 'int f(void) { return cuFoo(); }\n' },
      ],
      [
        'gcc-hash-error',
        'build-compile/compile-error',
        'gcc -c a.c',
        { 'a.c': '#error "this architecture is not supported"\n' },
      ],
      [
        'gcc-conflicting-types',
        'build-compile/compile-error',
        'gcc -c a.c',
        { 'a.c': 'int f(int);\nlong f(long x) { return x; }\n' },
      ],
      [
        'gcc-unknown-option',
        'build-compile/compile-error',
        'gcc -fno-such-option -c a.c',
        { 'a.c': 'int x;\n' },
      ],
      ['gcc-bad-march', 'build-compile/compile-error', 'gcc -march=znver99 -c a.c', { 'a.c': 'int x;\n' }],
      ['gcc-missing-source', 'build-compile/compile-error', 'gcc -c kernels/missing.c'],
      ['gcc-no-input', 'build-compile/compile-error', 'gcc -O2'],
      [
        'gcc-memory-limit',
        'infra/oom-kill',
        'ulimit -v 60000; gcc -O2 -c a.c',
        { 'a.c': `int a[] = {${'1,'.repeat(400_000)}0};\n` },
      ],
      ['as-bad-instruction', 'build-compile/compile-error', 'gcc -c a.s', { 'a.s': '\tvfoo %eax, %ebx\n' }],
      [
        'as-inline',
        'build-compile/compile-error',
        'gcc -c a.c',
        { 'a.c': 'void f(void) { __asm__("bogus %eax"); }\n' },
      ],
      ['gcc-crash', 'build-compile/compiler-crash', 'ulimit -s 256; gcc -c a.c', { 'a.c': DEEP }],
    ],
  ),
  ...madeCases(
    'build',
    ['g++'],
    [
      [
        'gxx-not-declared',
        'build-compile/api-change',
        'g++ -c a.cc',
        { 'a.cc': 'int f() { return cublasLtFoo(1); }\n' },
      ],
      [
        'gxx-not-in-namespace',
        'build-compile/api-change',
        'g++ -c a.cc',
        { 'a.cc': 'namespace at { int x; }\nint f() { return at::cuda; }\n' },
      ],
      [
        'gxx-no-member',
        'build-compile/api-change',
        'g++ -c a.cc',
        { 'a.cc': 'struct cudaDeviceProp { int a; };\nint f(cudaDeviceProp p) { return p.clockRate; }\n' },
      ],
      [
        'gxx-no-matching',
        'build-compile/api-change',
        'g++ -c a.cc',
        { 'a.cc': 'void g(int, int);\nvoid f() { g(1, 2, 3); }\n' },
      ],
      [
        'gxx-no-matching-template',
        'build-compile/api-change',
        'g++ -c a.cc',
        { 'a.cc': 'template <class T> void g(T, T);\nvoid f() { g(1, 2.0); }\n' },
      ],
      ['gxx-does-not-name-type', 'build-compile/api-change', 'g++ -c a.cc', { 'a.cc': 'uint128 x;\n' }],
      [
        'gxx-new-header',
        'build-compile/missing-header',
        'g++ -std=c++20 -c a.cc',
        { 'a.cc': '#include <format>\n' },
      ],
      [
        'gxx-static-assert',
        'build-compile/compile-error',
        'g++ -c a.cc',
        { 'a.cc': 'static_assert(sizeof(long) == 4, "a 32-bit system is needed");\n' },
      ],
      [
        'gxx-redefinition',
        'build-compile/compile-error',
        'g++ -c a.cc',
        { 'a.cc': 'int f() { return 1; }\nint f() { return 2; }\n' },
      ],
      [
        'gxx-narrowing',
        'build-compile/compile-error',
        'g++ -c a.cc',
        { 'a.cc': 'int f() { char c{300}; return c; }\n' },
      ],
      [
        'gxx-abstract',
        'build-compile/compile-error',
        'g++ -c a.cc',
        { 'a.cc': 'struct A { virtual void f() = 0; };\nA a;\n' },
      ],
      [
        'gxx-werror-unused',
        'build-compile/werror',
        'g++ -Wall -Werror -c a.cc',
        { 'a.cc': 'static int unused() { return 1; }\n' },
      ],
      [
        'gxx-among-warnings',
        'build-compile/compile-error',
        'g++ -Wall -Wextra -c a.cc',
        {
          'a.cc':
            'int f(int error, unsigned failed) {\n  if (error < failed) return 1;\n  int x = "no";\n  return x;\n}\n',
        },
      ],
      [
        'gxx-constraint',
        'build-compile/compile-error',
        'g++ -std=c++20 -c a.cc',
        { 'a.cc': '#include <concepts>\ntemplate <std::integral T> struct S {};\nS<float> s;\n' },
      ],
    ],
  ),
];
