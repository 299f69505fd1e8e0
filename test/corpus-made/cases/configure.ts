/** What CMake, CTest, make, ninja and meson refuse. */

import { madeCases } from '../case.ts';

const project = (lines: string, languages = 'C'): string =>
  `cmake_minimum_required(VERSION 3.18)\nproject(made ${languages})\n${lines}\n`;
const cmake = (lines: string, languages?: string) => ({ 'CMakeLists.txt': project(lines, languages) });
const test = (lines: string) => cmake(`enable_testing()\n${lines}`, 'NONE');

export const CONFIGURE_CASES = [
  ...madeCases(
    'build',
    ['cmake', 'gcc'],
    [
      [
        'cmake-package',
        'build-configure/missing-package',
        'cmake .',
        cmake('find_package(Protobuf-c 3.2 CONFIG REQUIRED)'),
      ],
      [
        'cmake-package-find',
        'build-configure/missing-package',
        'cmake .',
        cmake('find_package(nlohmann_json REQUIRED)'),
      ],
      ['cmake-module', 'build-configure/missing-package', 'cmake .', cmake('find_package(HDF5 REQUIRED)')],
      [
        'cmake-cuda-toolkit',
        'build-configure/cmake-cuda-missing',
        'PATH=/usr/bin:/bin cmake .',
        cmake('find_package(CUDAToolkit REQUIRED)'),
      ],
      [
        'cmake-findcuda',
        'build-configure/cmake-cuda-missing',
        'PATH=/usr/bin:/bin cmake .',
        cmake('find_package(CUDA REQUIRED)'),
      ],
      [
        'cmake-cuda-language',
        'build-configure/cmake-cuda-missing',
        'PATH=/usr/bin:/bin cmake .',
        cmake('enable_language(CUDA)'),
      ],
      [
        'cmake-too-old',
        'build-configure/cmake-too-new',
        'cmake .',
        { 'CMakeLists.txt': 'cmake_minimum_required(VERSION 99.1)\nproject(x)\n' },
      ],
      [
        'cmake-fatal',
        'build-configure/cmake-error',
        'cmake .',
        cmake('message(FATAL_ERROR "only little-endian systems are supported")'),
      ],
      [
        'cmake-source-missing',
        'build-configure/cmake-error',
        'cmake .',
        cmake('add_library(k kernels/gemm.c)'),
      ],
      ['cmake-unknown-command', 'build-configure/cmake-error', 'cmake .', cmake('python_add_library(k a.c)')],
      ['cmake-no-lists', 'build-configure/missing-make-target', 'cmake .'],
      ['cmake-compiler-broken', 'build-configure/compiler-broken', 'CC=/bin/false cmake .', cmake('')],
      ['cmake-compiler-absent', 'build-configure/compiler-broken', 'CC=gcc-99 cmake .', cmake('')],
      ['cmake-compiler-flags', 'build-configure/compiler-broken', 'CFLAGS=-fbogus cmake .', cmake('')],
      [
        'cmake-pkg-config',
        'build-configure/missing-package',
        'cmake .',
        cmake('find_package(PkgConfig REQUIRED)\npkg_check_modules(FABRIC REQUIRED libfabric>=1.18)'),
      ],
      [
        'cmake-imported-target',
        'build-configure/missing-package',
        'cmake .',
        { ...cmake('add_library(k a.c)\ntarget_link_libraries(k fmt::fmt)'), 'a.c': 'int x;\n' },
      ],
      [
        'cmake-no-generator',
        'build-configure/cmake-error',
        'cmake -G "Unix Makefiles" -DCMAKE_MAKE_PROGRAM=/none/make .',
        cmake(''),
      ],
      [
        'cmake-notfound',
        'build-configure/missing-package',
        'cmake .',
        {
          ...cmake(
            'find_library(CUFILE cufile)\nadd_library(k SHARED a.c)\ntarget_link_libraries(k ${CUFILE})',
          ),
          'a.c': 'int x;\n',
        },
      ],
      ['cmake-include', 'build-configure/missing-package', 'cmake .', cmake('include(CPM)')],
      ['cmake-syntax', 'build-configure/cmake-error', 'cmake .', cmake('if(TRUE')],
      [
        'cmake-build-error',
        'build-compile/api-change',
        'cmake . && cmake --build .',
        {
          ...cmake('add_library(k a.c b.c)'),
          'a.c': 'int x;\n',
          'b.c': 'int f(void) { return undeclared; }\n',
        },
      ],
      [
        'cmake-install-missing',
        'build-output/install-failed',
        'cmake . && cmake --install . --prefix out',
        cmake('install(FILES missing.h DESTINATION include)', 'NONE'),
      ],
      [
        'cmake-cuda-architectures',
        'build-configure/cuda-arch-unset',
        'cmake -DCMAKE_CUDA_ARCHITECTURES= .',
        { ...cmake('enable_language(CUDA)\nadd_library(k a.cu)'), 'a.cu': 'int x;\n' },
        ['nvcc'],
      ],
      [
        'ctest-failed',
        'build-test/ctest-failed',
        'cmake . && ctest --output-on-failure',
        test('add_test(NAME gemm COMMAND sh -c "echo wrong; exit 3")\nadd_test(NAME ok COMMAND true)'),
      ],
      [
        'ctest-timeout',
        'build-test/ctest-timeout',
        'cmake . && ctest',
        test('add_test(NAME hang COMMAND sleep 20)\nset_tests_properties(hang PROPERTIES TIMEOUT 1)'),
      ],
      [
        'ctest-segfault',
        'build-test/ctest-failed',
        'cmake . && ctest',
        test('add_test(NAME crash COMMAND sh -c "kill -SEGV \\$\\$")'),
      ],
      [
        'ctest-not-found',
        'build-test/ctest-failed',
        'cmake . && ctest',
        test('add_test(NAME absent COMMAND ./no-such-test)'),
      ],
    ],
  ),
  ...madeCases(
    'build',
    ['make'],
    [
      ['make-no-rule', 'build-configure/missing-make-target', 'make install', { Makefile: 'all:\n\ttrue\n' }],
      ['make-no-makefile', 'build-configure/missing-make-target', 'make'],
      [
        'make-missing-input',
        'build-configure/missing-make-target',
        'make',
        { Makefile: 'all: gen/config.h\n\ttrue\n' },
      ],
      ['make-separator', 'build-configure/makefile-error', 'make', { Makefile: 'all:\n    true\n' }],
      ['make-command', 'build-configure/missing-command', 'make', { Makefile: 'all:\n\tprotoc --version\n' }],
      [
        'make-shell-command',
        'build-configure/missing-command',
        'make',
        { Makefile: 'all:\n\tcd . && flex --version\n' },
      ],
      ['make-silent', 'insufficient-evidence/cause-not-in-tail', 'make', { Makefile: 'all:\n\t@false\n' }],
      [
        'make-recursive-silent',
        'insufficient-evidence/cause-not-in-tail',
        'make',
        { Makefile: 'all:\n\t$(MAKE) -C sub\n', 'sub/Makefile': 'all:\n\t@exit 2\n' },
      ],
      [
        'make-parallel',
        'build-compile/missing-header',
        'make -j4',
        {
          Makefile: 'all: a.o b.o c.o d.o\n%.o: %.c\n\tgcc -Wall -c $<\n',
          'a.c': 'int f(void) { int unused; return 0; }\n',
          'b.c': '#include <cudnn.h>\n',
          'c.c': 'int g;\n',
          'd.c': 'int h(void) { int error; return 1; }\n',
        },
        ['gcc'],
      ],
      ['make-killed', 'infra/oom-kill', 'make', { Makefile: "all:\n\tsh -c 'kill -9 $$$$'\n" }],
      [
        'make-segfault',
        'build-compile/compiler-crash',
        'make',
        { Makefile: "all:\n\tsh -c 'kill -SEGV $$$$'\n" },
      ],
      [
        'make-bad-interpreter',
        'build-configure/missing-command',
        'chmod +x gen; make',
        { Makefile: 'all:\n\t./gen\n', gen: '#!/usr/local/bin/perl6\n' },
      ],
    ],
  ),
  ...madeCases(
    'build',
    ['ninja'],
    [
      [
        'ninja-missing-input',
        'build-configure/missing-make-target',
        'ninja',
        { 'build.ninja': 'rule cc\n  command = gcc -c $in -o $out\nbuild a.o: cc a.c\n' },
      ],
      ['ninja-no-file', 'build-configure/missing-make-target', 'ninja'],
      [
        'ninja-silent',
        'insufficient-evidence/cause-not-in-tail',
        'ninja',
        { 'build.ninja': 'rule r\n  command = exit 1\nbuild a: r\n' },
      ],
      [
        'ninja-cycle',
        'build-configure/missing-make-target',
        'ninja',
        { 'build.ninja': 'rule r\n  command = touch $out\nbuild a: r b\nbuild b: r a\n' },
      ],
      [
        'ninja-compile',
        'build-compile/compile-error',
        'ninja -k 0',
        {
          'build.ninja':
            'rule cc\n  command = gcc -c $in -o $out\n  description = Building C object $out\nbuild a.o: cc a.c\nbuild b.o: cc b.c\n',
          'a.c': 'int f(void) { return "x" * 2; }\n',
          'b.c': 'int g;\n',
        },
        ['gcc'],
      ],
    ],
  ),
  ...madeCases(
    'build',
    ['meson', 'ninja', 'gcc'],
    [
      [
        'meson-dependency',
        'build-configure/missing-package',
        'meson setup b',
        { 'meson.build': "project('m', 'c')\ndependency('libdrm', version: '>=2.4')\n" },
      ],
      [
        'meson-library',
        'build-configure/missing-c-library',
        'meson setup b',
        { 'meson.build': "project('m', 'c')\nmeson.get_compiler('c').find_library('nvrtc')\n" },
      ],
      [
        'meson-program',
        'build-configure/missing-package',
        'meson setup b',
        { 'meson.build': "project('m')\nfind_program('glslangValidator')\n" },
      ],
      [
        'meson-version',
        'build-configure/configure-error',
        'meson setup b',
        { 'meson.build': "project('m', meson_version: '>=99')\n" },
      ],
      [
        'meson-option',
        'build-configure/configure-error',
        'meson setup b -Dbogus=true',
        { 'meson.build': "project('m')\n" },
      ],
      [
        'meson-error',
        'build-configure/configure-error',
        'meson setup b',
        { 'meson.build': "project('m')\nerror('CUDA 11 is too old for this release')\n" },
      ],
      [
        'meson-header',
        'build-configure/configure-error',
        'meson setup b',
        {
          'meson.build': "project('m', 'c')\nmeson.get_compiler('c').has_header('va/va.h', required: true)\n",
        },
      ],
      [
        'meson-compiler',
        'build-configure/configure-error',
        'CC=gcc-99 meson setup b',
        { 'meson.build': "project('m', 'c')\n" },
      ],
      ['meson-no-file', 'build-configure/configure-error', 'meson setup b .'],
      [
        'meson-subproject',
        'build-configure/configure-error',
        'meson setup b --wrap-mode=nodownload',
        { 'meson.build': "project('m')\nsubproject('fmt')\n" },
      ],
      [
        'meson-test',
        'build-test/meson-failed',
        'meson setup b && meson test -C b',
        {
          'meson.build':
            "project('m')\ntest('gemm', find_program('false'))\ntest('ok', find_program('true'))\n",
        },
      ],
      [
        'meson-test-timeout',
        'build-test/meson-failed',
        'meson setup b && meson test -C b',
        { 'meson.build': "project('m')\ntest('hang', find_program('sleep'), args: ['20'], timeout: 1)\n" },
      ],
    ],
  ),
];
