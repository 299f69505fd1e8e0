/** Builds and tests that succeed, some of them loudly. */

import { madeCases } from '../case.ts';

const CARGO = { 'Cargo.toml': '[package]\nname = "made"\nversion = "0.1.0"\nedition = "2021"\n' };

export const BENIGN_CASES = madeCases(
  'build',
  [],
  [
    [
      'benign-cmake-deprecated',
      'none/benign-cmake-dev-warning',
      'cmake .',
      { 'CMakeLists.txt': 'cmake_minimum_required(VERSION 2.8)\nproject(x NONE)\n' },
      ['cmake'],
    ],
    [
      'benign-cmake-author',
      'none/benign-cmake-dev-warning',
      'cmake .',
      {
        'CMakeLists.txt':
          'cmake_minimum_required(VERSION 3.18)\nproject(x NONE)\nmessage(AUTHOR_WARNING "an error here is ignored")\nset(CUDA_ERROR_OUT_OF_MEMORY 1)\nmessage(STATUS "failed tests are shown: CUDA_ERROR_OUT_OF_MEMORY")\n',
      },
      ['cmake'],
    ],
    [
      'benign-pytest',
      'none/benign-tests-passed',
      'python -m pytest -p no:cacheprovider -rA',
      {
        'test_error.py':
          'import pytest\ndef test_error_is_raised():\n    with pytest.raises(RuntimeError): raise RuntimeError("CUDA error: out of memory")\n@pytest.mark.xfail\ndef test_known():\n    assert False\ndef test_prints():\n    print("error: no kernel image is available")\n',
      },
      ['python'],
    ],
    [
      'benign-ctest',
      'none/benign-tests-passed',
      'cmake . && ctest',
      {
        'CMakeLists.txt':
          'cmake_minimum_required(VERSION 3.18)\nproject(x NONE)\nenable_testing()\nadd_test(NAME error_handling_failed COMMAND true)\n',
      },
      ['cmake'],
    ],
    [
      'benign-cargo',
      'none/benign-tests-passed',
      'cargo test --offline',
      {
        ...CARGO,
        'src/main.rs':
          'fn main() {}\n#[test]\n#[should_panic]\nfn fails_with_error() { panic!("error: CUDA_ERROR_UNKNOWN") }\n',
      },
      ['cargo', 'gcc'],
    ],
    [
      'benign-gcc-warnings',
      'none/benign-compiler-warning',
      'gcc -Wall -Wextra -c a.c',
      {
        'a.c':
          '#include <stdio.h>\nint failed(int error, unsigned fatal) { if (error < fatal) printf("%s", 1); return 0; }\n',
      },
      ['gcc'],
    ],
    [
      'benign-gcc-hash-warning',
      'none/benign-compiler-warning',
      'gcc -c a.c',
      { 'a.c': '#warning "unsupported platform, errors are likely"\nint x;\n' },
      ['gcc'],
    ],
    [
      'benign-nvcc-warning',
      'none/benign-compiler-warning',
      'nvcc -c a.cu',
      { 'a.cu': '__global__ void k(int *x) { int error = 1; unsigned char c = 300; *x = c; }\n' },
      ['nvcc', 'g++'],
    ],
    [
      'benign-nvcc-std-twice',
      'none/benign-compiler-warning',
      'nvcc -std=c++17 -std=c++20 -c a.cu',
      { 'a.cu': '__global__ void k() {}\n' },
      ['nvcc', 'g++'],
    ],
    [
      'benign-ptxas-info',
      'none/benign-compiler-warning',
      'nvcc -Xptxas -v -c a.cu',
      { 'a.cu': '__global__ void error_kernel(int *x) { int y = 1; *x = y; }\n' },
      ['nvcc', 'g++'],
    ],
    [
      'benign-make-ignored',
      'none/benign-ignored-error',
      'make',
      { Makefile: 'all:\n\t-rm no-such-file\n\techo done\n' },
      ['make'],
    ],
    [
      'benign-linker-warning',
      'none/benign-compiler-warning',
      'gcc a.c b.s -o a',
      {
        'a.c': '#include <stdio.h>\nint main(void) { return tmpnam(0) == 0; }\n',
        'b.s': '\t.globl f\nf:\tret\n',
      },
      ['gcc'],
    ],
    [
      'benign-meson',
      'none/benign-tests-passed',
      'meson setup b && meson test -C b',
      {
        'meson.build':
          "project('m', 'c')\ndependency('cuda-made', required: false)\ntest('error handling', find_program('true'))\n",
      },
      ['meson', 'ninja', 'gcc'],
    ],
    [
      'benign-go',
      'none/benign-tests-passed',
      'go test -v ./...',
      {
        'go.mod': 'module made\n\ngo 1.21\n',
        'a_test.go':
          'package main\n\nimport "testing"\n\nfunc TestErrorFailed(t *testing.T) { t.Log("error: expected failure") }\n',
      },
      ['go'],
    ],
    [
      'benign-unittest',
      'none/benign-tests-passed',
      'python -m unittest -v',
      {
        'test_a.py':
          'import unittest\nclass A(unittest.TestCase):\n    def test_error(self):\n        self.assertRaises(KeyError, {}.__getitem__, "CUDA error")\n',
      },
      ['python'],
    ],
  ],
);
