/** The configuration of a build did not find, or did not like, what it needs. */

import { defineRules } from './define.ts';

export const BUILD_CONFIGURE_RULES = defineRules(
  'build-configure',
  { rank: 'specific', scope: 'code', retry: 'no', confidence: 0.9, stages: ['build', 'fetch'] },
  [
    {
      subclass: 'missing-c-library',
      patterns: [
        /Missing (?:\(or bad\) )?C librar(?:y|ies): (?<library>\S{1,80})/,
        'Missing dependency on a foreign library',
        /C (?:shared or static )?library '(?<library>[^']{1,80})' not found/,
      ],
      confidence: 0.93,
      explanation: 'The C library {library|named in the log} is missing: add it to the inputs.',
      examples: [
        '* Missing (or bad) C library: cublas',
        "meson.build:31:11: ERROR: C shared or static library 'nvrtc' not found",
      ],
    },
    {
      subclass: 'missing-python-build-dep',
      patterns: [
        "ModuleNotFoundError: No module named '{module}'",
        /ERROR Missing dependencies:/,
        /Could not find a version that satisfies the requirement (?<module>[\w.-]{1,80})/,
        /No matching distribution found for (?<module>[\w.-]{1,80})/,
        /BackendUnavailable: Cannot import '(?<module>[^']{1,80})'/,
        /error: invalid command '(?<module>bdist_wheel)'/,
      ],
      when: [
        'setuptoolsBuildPhase',
        'pypaBuildPhase',
        'pipBuildPhase',
        'setup.py',
        'pyproject',
        'Missing dependencies:',
        'satisfies the requirement',
        'No matching distribution',
        'BackendUnavailable',
        'Building wheel',
        'invalid command',
      ],
      confidence: 0.92,
      explanation:
        'The Python build lacks {module|a module}: add it to build-system, or relax the requirement.',
      examples: [
        "Executing pypaBuildPhase\nModuleNotFoundError: No module named 'scikit_build_core'",
        'ERROR: Could not find a version that satisfies the requirement torch==2.4.0 (from versions: none)',
        'ERROR Missing dependencies:\n\thatchling>=1.18',
      ],
    },
    {
      subclass: 'missing-package',
      patterns: [
        /Could not find a package configuration file provided by "(?<package>[^"]{1,80})"/,
        /meson\.build:\d{1,5}:\d{1,4}: ERROR: Dependency "(?<package>[^"]{1,80})" not found/,
        /target "(?<package>[^"]{1,80})" but the target was not found/,
        /include could not find (?:requested|load) file/,
        /No package '(?<package>[^']{1,80})' found/,
        /Package '?(?<package>[\w.+-]{1,80})'?,? (?:required by .{1,80}, not found|was not found in the pkg-config search path)/,
        /CMake Error.{0,80}Could NOT find (?<package>\w{1,60})/,
        /^Could NOT find (?<package>\w{1,60}) \(missing:/,
        /program '(?<package>[^']{1,60})' not found/i,
        'but the target was not found',
        /The system library `(?<package>[\w.+-]{1,60})` required by crate/,
        /Unable to find (?<package>libclang)/,
        /Imported target "(?<package>[^"]{1,80})" includes non-existent path/,
        /Encountered missing or private dependencies/,
        /By not providing "Find(?<package>[^".]{1,80})\.cmake"/,
        'Could not find a package configuration file provided by',
        'they are set to NOTFOUND',
        /The link interface of target "[^"]{1,80}" contains/,
      ],
      excludes: [/Could NOT find (?:CUDA|CUDAToolkit|CUDNN|cuDNN|NCCL)\b/, /[Ww]arning/],
      confidence: 0.86,
      explanation: 'The build did not find {package|a package}: add it to the inputs.',
      examples: [
        'Could not find a package configuration file provided by "Protobuf" with any of the following names:',
        'meson.build:88:12: ERROR: Dependency "libdrm" not found, tried pkgconfig',
        "No package 'fmt' found",
      ],
    },
    {
      subclass: 'cmake-too-new',
      patterns: [
        /Compatibility with CMake < [\d.]{1,6} has been removed/,
        /CMake [\d.]{1,8} or higher is required/,
      ],
      confidence: 0.95,
      explanation:
        'The project and this CMake do not fit: raise cmake_minimum_required, or use another CMake.',
      examples: [
        '  Compatibility with CMake < 3.5 has been removed from CMake.',
        '  CMake 3.30 or higher is required.  You are running version 3.28.3',
      ],
    },
    {
      subclass: 'unpack-failed',
      patterns: [
        'do not know how to unpack source archive',
        'unpacker appears to have produced no directories',
        'unpacker produced multiple directories',
      ],
      confidence: 0.95,
      explanation: 'The source could not be unpacked: set sourceRoot, or add the unpacker.',
      examples: [
        'do not know how to unpack source archive /nix/store/a-cuda.run',
        'unpacker produced multiple directories',
      ],
    },
    {
      subclass: 'lockfile-outdated',
      patterns: [
        'needs to be updated but --locked was passed',
        'go: inconsistent vendoring',
        'needs to be updated but --offline',
        'because --locked was passed to prevent this',
        /cannot find (?:module providing )?package \S{1,200}/,
        /is explicitly required in go\.mod, but not marked/,
        /error: failed to select a version for the requirement/,
        /error: no matching package named/,
        /go: updates to go\.(?:mod|sum) needed/,
        /missing go\.sum entry/,
        /no required module provides package/,
      ],
      explanation: 'The lock file and the sources do not fit: regenerate the lock file and its hash.',
      examples: [
        'error: the lock file /build/source/Cargo.lock needs to be updated but --locked was passed to prevent this',
        'go: inconsistent vendoring in /build/source:',
      ],
    },
    {
      subclass: 'missing-command',
      patterns: [
        /: line \d{1,6}: (?<command>[\w.+-]{1,60}): command not found/,
        /make(?:\[\d{1,3}\])?: (?<command>[\w.+/-]{1,100}): (?:No such file or directory|Command not found|Permission denied)/,
        /(?:sh|env): \d{0,6}:? ?(?<command>[\w.+-]{1,60}): not found/,
        /env: '?(?<command>[\w.+-]{1,60})'?: No such file or directory/,
        /(?<command>\/\S{1,100}): bad interpreter: No such file/,
      ],
      excludes: [/hydra/, /zstd|nvcc/],
      confidence: 0.8,
      explanation:
        'The build calls {command}, which is not there: add it to nativeBuildInputs, or patch the shebang.',
      examples: [
        '/build/source/build.sh: line 12: protoc: command not found',
        '/bin/sh: ./configure: /usr/bin/perl: bad interpreter: No such file or directory',
      ],
    },
    {
      subclass: 'python-build-backend',
      rank: 'consequence',
      patterns: [
        'setuptools-scm was unable to detect version',
        'Multiple top-level packages discovered in a flat-layout',
        /error in \S{1,60} setup command: (?<message>.{1,120})/,
        /requires a different Python: (?<message>.{1,80})/,
        /is not installable\. Neither 'setup\.py'/,
        /TOMLDecodeError: (?<message>.{1,120})/,
        /[Ii]nvalid (?:pyproject|configuration).{0,20}: (?<message>.{1,120})/,
        'Unable to determine which files to ship',
        /configuration error: `(?<message>project\S{0,80})`/,
        /InvalidVersion: (?<message>.{1,80})/,
        /error: metadata-generation-failed/,
        /(?:unknown|unsupported) (?:build )?backend/,
      ],
      explanation:
        'The Python build backend refused: set SETUPTOOLS_SCM_PRETEND_VERSION or correct the project file.',
      examples: [
        'LookupError: setuptools-scm was unable to detect version for /build/source.',
        "error: Multiple top-level packages discovered in a flat-layout: ['csrc', 'tools'].",
      ],
    },
    {
      subclass: 'configure-error',
      rank: 'consequence',
      patterns: [
        /configure: error: (?<message>.{1,160})/,
        /^ERROR: (?<message>Neither (?:source )?directory .{1,120})/,
        /^scons: \*\*\* (?<message>.{1,160})/,
        /waf.{0,40}: The configuration failed/,
        /meson\.build:\d{1,5}:\d{1,4}: ERROR: (?<message>.{1,160})/,
      ],
      confidence: 0.85,
      explanation: 'The configuration stopped by its own words: read them in the line.',
      examples: [
        'configure: error: cannot find install-sh, install.sh, or shtool in .',
        "meson.build:12:0: ERROR: Unknown compiler(s): [['gfortran']]",
      ],
    },
    {
      subclass: 'bazel-configuration',
      rank: 'generic',
      patterns: [
        /external\/local_config_(?!cuda)\w{3,30}\/BUILD.{0,200}failed: \(Exit \d/,
        /An error occurred during the fetch of repository/,
        /[Rr]epository (?:rule|command) .{0,80}failed/,
        /no such (?:package|target) '@@?(?!local_config_cuda)[^']{1,120}'/,
      ],
      confidence: 0.75,
      explanation: "A step of Bazel's configuration failed: read the lines below it.",
      examples: [
        'ERROR: /build/output/external/local_config_python/BUILD:12:8: Executing genrule failed: (Exit 1): bash failed',
        "ERROR: no such package '@rules_python//python': BUILD file not found",
      ],
    },
    {
      subclass: 'missing-make-target',
      rank: 'generic',
      patterns: [
        /No rule to make target [`'](?<target>[^'`]{1,200})'/,
        /No targets specified and no makefile found/,
        /ninja: error: (?<target>.{4,160})/,
        /does not appear to contain CMakeLists\.txt/,
      ],
      confidence: 0.72,
      explanation:
        'The build system has no rule for {target|what it was asked}: check sourceRoot, the phase and what is missing.',
      examples: [
        "make: *** No rule to make target 'install'.  Stop.",
        'The source directory "/build/source" does not appear to contain CMakeLists.txt.',
      ],
    },
    {
      subclass: 'cmake-error',
      rank: 'generic',
      patterns: [/^CMake Error(?: at| in|:)/, 'Configuring incomplete, errors occurred'],
      excludes: [/does not appear to contain CMakeLists|cmake_install\.cmake|cmake_check_build_system/],
      confidence: 0.8,
      explanation: 'CMake stopped: read the message in the lines below this one.',
      examples: [
        'CMake Error at cmake/deps.cmake:12 (message):\n  Unsupported layout',
        '-- Configuring incomplete, errors occurred!',
      ],
    },
    {
      id: 'python-module-missing',
      subclass: 'missing-python-build-dep',
      rank: 'generic',
      patterns: ["ModuleNotFoundError: No module named '{module}'"],
      confidence: 0.6,
      explanation: 'The Python module {module} is missing: add it to build-system or dependencies.',
      examples: [
        "ModuleNotFoundError: No module named 'cmake_build_extension'",
        '  File "a.py", line 1\nModuleNotFoundError: No module named \'jinja2\'',
      ],
    },
    {
      subclass: 'build-script-failed',
      rank: 'generic',
      patterns: [
        /error: failed to run custom build command for `(?<crate>[^`]{1,80})`/,
        /error: command '[^']{1,300}' failed with exit (?:code|status) \d/,
        'Failed building wheel for',
      ],
      confidence: 0.55,
      explanation: 'A step of the build system failed: look at what it printed before.',
      examples: [
        'error: failed to run custom build command for `cudarc v0.16.4`',
        "error: command '/nix/store/a-gcc/bin/g++' failed with exit code 1",
      ],
    },
  ],
);
