/** What GNU ld, lld, mold and nvlink refuse to link. */

import { defineRules } from './define.ts';

export const BUILD_LINK_RULES = defineRules(
  'build-link',
  { rank: 'specific', scope: 'code', retry: 'no', confidence: 0.95, stages: ['build', 'fetch'] },
  [
    {
      subclass: 'relocation-overflow',
      patterns: [
        'relocation truncated to fit',
        /relocation R_\w{3,60} out of range: -?\d/,
        'PC-relative offset overflow in',
        /section \S{1,60} will not fit in region/,
        /\.nv_fatbin.{0,80}(?:overflow|too large|out of range)/,
      ],
      confidence: 0.97,
      explanation:
        'The image grew beyond 2 GiB, by too many GPU architectures: build fewer, or split the library.',
      examples: [
        '(.text+0x8): relocation truncated to fit: R_X86_64_PC32 against `.nv_fatbin`',
        'ld.lld: error: libmagma.so:(.eh_frame+0x10): relocation R_X86_64_PC32 out of range: 2147491024 is not in [-2147483648, 2147483647]',
      ],
    },
    {
      subclass: 'undefined-reference',
      patterns: [
        /undefined reference to [`'](?<symbol>[^'`]{1,200})/,
        /ld(?:\.lld|64\.lld)?: error: undefined (?:hidden )?symbol: (?<symbol>.{1,200})/,
        /mold: (?:error|fatal): undefined symbol: .{0,200}: (?<symbol>\S{1,200})/,
        /nvlink error {1,4}: Undefined reference to '(?<symbol>[^']{1,200})'/,
        /Undefined symbols for architecture/,
        /hidden symbol [`'](?<symbol>[^'`]{1,200})' .{0,80}is referenced by DSO/,
        'undefined reference to',
        /error LNK20(?:01|19): unresolved external symbol (?<symbol>\S{1,200})/,
      ],
      confidence: 0.94,
      explanation:
        'The linker does not find {symbol|a symbol}: link the library that owns it, or build all parts with one compiler.',
      examples: [
        "/ld: a.o: in function `main': a.c:(.text+0x5): undefined reference to `cublasLtMatmul'",
        'ld.lld: error: undefined symbol: ncclCommInitRank',
        "nvlink error   : Undefined reference to '_Z3fooi' in 'a.o'",
      ],
    },
    {
      subclass: 'missing-library',
      patterns: [
        /(?:cannot|could not|unable to) find (?:library )?-l:?(?<library>[\w.+-]{1,80})/,
        /\bld(?:\.\w{2,5})?: (?:fatal )?(?:error: )?cannot (?:find|open) (?<library>[^\s:'-][^\s:']{0,200}): No such file/,
        /ld\.lld: error: cannot open (?<library>[^\s:]{1,200}): No such file/,
        /ld(?:\.lld)?: error: unable to find library -l(?<library>[\w.+-]{1,80})/,
        /mold: (?:error|fatal): library not found: (?<library>[\w.+-]{1,80})/,
        /error adding symbols: DSO missing from command line/,
        /No rule to make target '(?<library>[^']{1,200}\.(?:so|a)(?:\.\d{1,4})?)'/,
        /No rule to make target '(?<library>[^']{1,200}\.(?:so|a))'/,
        /ninja: error: '(?<library>[^']{1,200}\.(?:so|a)(?:\.[\d.]{1,8})?)', needed by/,
      ],
      explanation:
        'The linker does not find {library|a library}: add its package (or the stubs output) to buildInputs.',
      examples: [
        '/nix/store/x-binutils/bin/ld: cannot find -lcudart: No such file or directory',
        'ld.lld: error: unable to find library -lnvrtc',
      ],
    },
    {
      subclass: 'multiple-definition',
      patterns: [
        /multiple definition of [`'](?<symbol>[^'`]{1,200})/,
        /error: duplicate symbol: (?<symbol>.{1,200})/,
        /nvlink error {1,4}: Multiple definition of '(?<symbol>[^']{1,200})'/,
      ],
      explanation: '{symbol} is defined twice: link one copy only, or declare it static or inline.',
      examples: [
        "/ld: b.o: multiple definition of `g_state'; a.o: first defined here",
        'ld.lld: error: duplicate symbol: fmt::format_error::~format_error()',
      ],
    },
    {
      subclass: 'wrong-object-format',
      rank: 'consequence',
      patterns: [
        /(?<file>\S{1,200}): file (?:format )?(?:not recognized|in wrong format|truncated|too short)/,
        /(?<file>\S{1,200}): not an object or archive/,
        /architecture of input file [`'](?<file>[^'`]{1,200})' is incompatible/,
        /(?<file>\S{1,200}): (?:malformed archive|unknown file type|not a valid (?:object|ELF) file|truncated or malformed)/,
        'skipping incompatible',
        /is incompatible with elf_?\w{3,20}/,
      ],
      confidence: 0.85,
      explanation:
        'The linker got a file of another format or system: check cross compilation and empty archives.',
      examples: [
        '/ld: libfoo.a: file format not recognized; treating as linker script',
        '/ld: skipping incompatible libcuda.so when searching for -lcuda',
      ],
    },
    {
      subclass: 'linker-error',
      rank: 'consequence',
      excludes: [
        /No space left on device|not an object or archive|file (?:too short|truncated)|cannot (?:find|open) [^\s:]{1,200}: No such/,
      ],
      patterns: [
        /\/ld(?:\.\w{2,5})?: (?<message>(?:final link failed|error adding symbols|unrecognized option|internal error|cannot open|bad value).{0,120})/,
        /\bld(?:\.\w{2,5}|64\.lld)?: (?:fatal )?error: (?<message>.{4,160})/,
        /unable to execute command: Executable "(?<message>ld\S{0,8})" doesn't exist/,
        /nvlink (?:error|fatal) {1,4}: (?<message>.{4,160})/,
        /\bld(?:\.\w{2,5})?:\S{1,200}:\d{1,6}: (?<message>syntax error.{0,120})/,
        /relocation R_\w{3,60} against .{0,200}(?<message>can ?not be used when making|recompile with -fPI[CE])/,
        /(?<message>requires (?:dynamic|unsupported dynamic) R_\w{3,60} reloc)/,
        /mold: (?:error|fatal): (?<message>.{4,160})/,
      ],
      confidence: 0.85,
      explanation: 'The linker stopped by its own words: read them in the line.',
      examples: [
        '/nix/store/a-binutils/bin/ld: final link failed: bad value',
        "nvlink error   : Size doesn't match for 'x' in 'a.o', first specified in 'b.o'",
      ],
    },
    {
      subclass: 'link-failed',
      rank: 'cascade',
      patterns: [
        /\/BUILD(?:\.bazel)?:\d{1,6}:\d{1,4}: Linking .{1,160} failed: \(Exit \d/,
        /collect2: (?:error|fatal error): ld (?:returned|terminated)/,
        /linker command failed with exit code/,
        /error: linking with `\w{1,20}` failed/,
      ],
      confidence: 0.65,
      explanation: 'A link failed and its reason is not in this part: fetch the whole log.',
      examples: [
        'collect2: error: ld returned 1 exit status',
        'clang++: error: linker command failed with exit code 1 (use -v to see invocation)',
      ],
    },
  ],
);
