/** What gcc, clang, nvcc's front end, rustc, Cython and others refuse to compile. */

import { defineRules } from './define.ts';

export const BUILD_COMPILE_RULES = defineRules(
  'build-compile',
  { rank: 'specific', scope: 'code', retry: 'no', confidence: 0.9 },
  [
    {
      subclass: 'compiler-crash',
      patterns: [
        /internal compiler error: (?!Killed)/,
        /'(?<program>[\w+-]{2,20})' died due to signal (?:4|6|7|8|11)\b/,
        /nvcc error {1,4}: '(?<program>[\w+-]{2,20})' (?:core dumped|died with status)/,
        /clang frontend command failed (?:with exit code|due to signal)/,
        'PLEASE submit a bug report to https://github.com/llvm',
        /unable to execute command: (?:Segmentation fault|Aborted|Illegal instruction)/,
        'the compiler unexpectedly panicked',
        /\(signal: (?:6|11), SIG(?:ABRT|SEGV)/,
        /(?:cc1plus|cc1|rustc|cicc|ptxas|clang)[^:]{0,80}: {1,3}\d{0,8} ?Segmentation fault/,
        /LLVM ERROR: (?!out of memory)(?<message>.{1,120})/,
        'Internal Compiler Error (codegen)',
      ],
      scope: 'host',
      retry: 'same',
      confidence: 0.82,
      explanation:
        'The compiler itself crashed: try once more, watch its memory, and report it if it repeats.',
      examples: [
        'foo.cpp:12:3: internal compiler error: in verify_gimple, at tree-cfg.cc:55',
        "nvcc error   : 'ptxas' died due to signal 11 (Invalid memory reference)",
        'error: the compiler unexpectedly panicked. this is a bug.',
      ],
    },
    {
      subclass: 'missing-header',
      patterns: [
        /fatal error: '?(?<header>[\w./+-]{1,160}\.(?:h|hh|hpp|hxx|cuh|inc|inl|def))'?: No such file or directory/,
        /fatal error: (?<header>[\w./+-]{1,160}): No such file or directory/,
        /fatal error: '(?<header>[^']{1,160})' file not found/,
        /(?:catastrophic error|error): cannot open source file "(?<header>[^"]{1,160})"/,
        /Fatal Error: Cannot open module file '(?<header>[^']{1,160})'/,
      ],
      excludes: [/: Fatal error: \S{1,200}\.o:/],
      confidence: 0.92,
      stages: ['build', 'fetch'],
      explanation: 'The header {header} was not found: add the package that owns it to buildInputs.',
      examples: [
        'csrc/a.cpp:3:10: fatal error: cudnn_frontend.h: No such file or directory',
        "/build/source/x.cu:1:10: fatal error: 'nccl.h' file not found",
        'kernel.cu(4): catastrophic error: cannot open source file "cutlass/gemm/gemm.h"',
      ],
    },
    {
      subclass: 'api-change',
      patterns: [
        /error(?: #\d{1,5}(?:-D)?)?: .{0,80}has no (?:member|field) (?:named )?['"](?<name>[^'"]{1,120})['"]/,
        /error: (?:no member named )?'(?<name>[^']{1,120})' (?:was not declared in this scope|is not a member of|does not name a type|in namespace)/,
        /error: use of undeclared identifier '(?<name>[^']{1,120})'/,
        /error: no matching function for call to '(?<name>[^']{1,120})'/,
        /error: unknown type name '(?<name>[^']{1,120})'/,
        /error: too (?:few|many) arguments (?:to|in) (?:function )?(?:call )?/,
        /error(?: #\d{1,5}(?:-D)?)?: identifier "(?<name>[^"]{1,120})" is undefined/,
        /error(?: #\d{1,5}(?:-D)?)?: namespace "(?<name>[^"]{1,120})" has no member/,
        /error(?: #\d{1,5}(?:-D)?)?: no instance of (?:overloaded function|constructor|function template) "(?<name>[^"]{1,120})"/,
        /error: implicit declaration of function '(?<name>[^']{1,120})'/,
        /error\[E0(?:425|432|433|599|412)\]: (?<name>.{1,120})/,
      ],
      excludes: [/identifier "_?_(?:Float|builtin|Int8x8|SV)/, /'_Float/],
      stages: ['build', 'fetch'],
      confidence: 0.9,
      explanation:
        'The code uses {name|a name} that the headers do not have: versions of an input and the code do not fit.',
      examples: [
        "torch/csrc/a.cpp:9:3: error: 'struct cudaDeviceProp' has no member named 'clockRate'",
        'gemm.cu(88): error: identifier "cublasGemmEx_64" is undefined',
        "a.cpp:4:1: error: use of undeclared identifier 'thrust'",
      ],
    },
    {
      subclass: 'werror',
      patterns: [
        /error: (?<message>.{1,160}) \[-Werror(?:=[\w+-]{1,60})?\]/,
        /error: (?<message>.{1,160}) \[-Werror,-W[\w+-]{1,60}\]/,
        'all warnings being treated as errors',
      ],
      stages: ['build', 'fetch'],
      confidence: 0.92,
      explanation:
        'A warning is treated as an error: repair it, or switch that warning off for this package.',
      examples: [
        "x.c:3:5: error: unused variable 'n' [-Werror=unused-variable]",
        'y.cpp:8:1: error: variable length arrays are a Clang extension [-Werror,-Wvla-cxx-extension]',
      ],
    },
    {
      subclass: 'compile-error',
      rank: 'consequence',
      patterns: [
        /^\S{1,300}:\d{1,7}:\d{1,6}: (?:fatal )?error: (?<message>.{1,160})/,
        /^\S{1,300}\(\d{1,7}\): error(?: #\d{1,5}(?:-D)?)?: (?<message>.{1,160})/,
        /^error\[E\d{4}\]: (?<message>.{1,160})/,
        /^(?:clang|clang\+\+|gcc|g\+\+|cc1|cc1plus|nvc\+\+|hipcc): error: (?<message>.{1,160})/,
        /^\S{1,300}\.java:\d{1,7}: error: (?<message>.{1,160})/,
        'Error compiling Cython file',
        /^Error: (?<message>.{1,100}) at \(1\)/,
        /^\S{1,200}\.go:\d{1,7}:\d{1,5}: (?<message>undefined: .{1,100}|cannot use .{1,100})/,
        /^\S{1,200}:\d{1,7}: Error: (?<message>.{4,160})/,
        /fatbinary fatal {1,4}: (?<message>.{4,120})/,
      ],
      excludes: [/linker command failed/],
      stages: ['build', 'fetch'],
      confidence: 0.87,
      explanation: 'The compiler refused the code: read its first error.',
      examples: [
        "src/lib.cc:40:12: error: expected ';' before 'return'",
        'attention.cu(77): error: expression must have a constant value',
        'error[E0308]: mismatched types',
      ],
    },
    {
      subclass: 'compile-failed',
      rank: 'cascade',
      patterns: [
        /\d{1,6} errors? detected in the compilation of/,
        /error: could not compile `(?<crate>[^`]{1,80})`/,
        'compilation terminated.',
        /ninja: error: /,
      ],
      confidence: 0.6,
      explanation: 'A compilation failed and its error is not in this part: fetch the whole log.',
      examples: [
        '4 errors detected in the compilation of "gemm.cu".',
        'error: could not compile `candle-kernels` (lib) due to 3 previous errors',
      ],
    },
  ],
);
