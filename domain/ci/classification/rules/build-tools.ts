/** Tools of single languages and build systems: cargo and rustc, make, meson's tests, Python's installers. */

import { defineRules } from './define.ts';

/** rustc's second line, which tells its errors without a code from those of other programs. */
const RUST_PLACE = /^--> \S{1,200}\.rs:\d{1,7}:\d{1,5}/;

export const BUILD_TOOL_RULES = [
  ...defineRules(
    'build-compile',
    { rank: 'consequence', scope: 'code', retry: 'no', confidence: 0.88, stages: ['build', 'fetch'] },
    [
      {
        id: 'rustc-error',
        subclass: 'compile-error',
        patterns: [/^error: (?<message>.{4,160})/],
        when: [RUST_PLACE],
        excludes: [
          /could not compile|aborting due to|linking with|failed to run|failed to (?:parse|read|select|get|load)|unused|deny/,
        ],
        explanation: 'rustc refused the code: read its first error.',
        examples: [
          'error: expected one of `!` or `::`, found `x`\n --> src/lib.rs:3:7\n  |',
          'error: cannot find macro `cuda_kernel` in this scope\n  --> src/device.rs:12:5\n   |',
        ],
        counterExamples: ['error: expected one of `!` or `::`'],
      },
    ],
  ),
  ...defineRules(
    'build-configure',
    { rank: 'specific', scope: 'code', retry: 'no', confidence: 0.9, stages: ['build', 'fetch'] },
    [
      {
        subclass: 'manifest-error',
        patterns: [
          /could not find `Cargo\.toml` in/,
          /failed to (?:parse|read) (?:manifest|lock file|`)(?: at:? ?)?.{0,200}Cargo\.(?:toml|lock)/,
          /^--> (?:\S{1,200}\/)?Cargo\.toml:\d/,
          /npm (?:ERR!|error) (?:code )?(?:EJSONPARSE|ENOENT.{0,80}package\.json)/,
          /go: (?:errors parsing|cannot find) .{0,80}go\.mod/,
          'go: go.mod file not found in current directory',
        ],
        explanation: "The package's manifest is missing or does not parse: check sourceRoot, then the file.",
        examples: [
          'error: could not find `Cargo.toml` in `/build/source` or any parent directory',
          'error: invalid table header\n --> crates/kernels/Cargo.toml:14:2\n   |',
          "go: go.mod file not found in current directory or any parent directory; see 'go help modules'",
        ],
      },
      {
        subclass: 'makefile-error',
        rank: 'consequence',
        patterns: [/^\S{1,200}:\d{1,6}: \*\*\* (?<message>.{4,160})/],
        confidence: 0.85,
        explanation: 'make does not understand its file, or the file stops by its own words: read the line.',
        examples: [
          'Makefile:12: *** missing separator.  Stop.',
          'common.mk:77: *** CUDA_HOME must be set.  Stop.',
        ],
        counterExamples: ['make: *** [Makefile:12: all] Error 2'],
      },
      {
        id: 'python-build-error',
        subclass: 'python-build-backend',
        rank: 'consequence',
        patterns: [/^(?<message>\w{2,40}(?:Error|Exception|Exit): .{3,160})/],
        when: [
          /(?:Getting requirements to build wheel|Preparing metadata|[Bb]uilding wheel|egg_info|bdist_wheel|build_ext).{0,80}did not run successfully/,
          /metadata-generation-failed/,
        ],
        excludes: [
          /^(?:ModuleNotFoundError|CalledProcessError|AssertionError|ImportError|subprocess|MemoryError)/,
          /cannot open shared object|undefined symbol|CUDA|No space left/,
        ],
        confidence: 0.82,
        explanation: 'The Python build stopped with an exception of its own: read it in the line.',
        examples: [
          "error: metadata-generation-failed\nKeyError: 'TORCH_ROOT'",
          "× python setup.py bdist_wheel did not run successfully.\nFileNotFoundError: [Errno 2] No such file or directory: 'VERSION.txt'",
        ],
      },
    ],
  ),
  ...defineRules(
    'build-test',
    { rank: 'generic', scope: 'code', retry: 'same', confidence: 0.85, stages: ['build', 'gpu-test'] },
    [
      {
        subclass: 'meson-failed',
        patterns: [
          /^\d{1,6}\/\d{1,6} (?<test>.{1,200}?) {1,80}(?:FAIL|TIMEOUT|ERROR|UNEXPECTEDPASS|INTERRUPT) {1,40}[\d.]{1,9}s/,
          /^(?:Fail|Timeout|Unexpected Pass): {1,30}[1-9]\d{0,5}$/,
        ],
        explanation:
          'The test {test|named in the log} failed: read its part of testlog.txt, then try once more.',
        examples: [
          ' 7/31 dri2:gbm-alloc                  FAIL            0.41s   exit status 1',
          '3/3 render:stress TIMEOUT        30.02s   killed by signal 15 SIGTERM',
        ],
      },
    ],
  ),
  ...defineRules('infra', { rank: 'specific', scope: 'host', retry: 'fix', confidence: 0.8 }, [
    {
      subclass: 'file-size-limit',
      patterns: ['File size limit exceeded', /signal 25\b|SIGXFSZ/],
      scope: 'infrastructure',
      explanation: 'A file grew beyond the limit of the process: raise `ulimit -f`, or write less.',
      examples: [
        '/build/run.sh: line 4:  312 File size limit exceeded dd',
        'File size limit exceeded (core dumped)',
      ],
    },
    {
      subclass: 'memory-bus-error',
      rank: 'decisive',
      patterns: [/(?:signal|SIGBUS).{0,12}7 ?[[(]Bus error/, /terminated (?:with|by) signal 7\b/],
      confidence: 0.6,
      retry: 'other',
      explanation:
        'Memory behind a mapped file vanished: look for a full disk or /dev/shm, then for bad memory.',
      examples: [
        'collect2: fatal error: ld terminated with signal 7 [Bus error], core dumped',
        "error: builder for '/nix/store/a-b.drv' failed due to signal 7 (Bus error)",
      ],
    },
  ]),
];
