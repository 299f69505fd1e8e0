/** What glibc's loader refuses. */

import { madeCases } from '../case.ts';

/** A program linked with a library that is then taken away. */
const without = (library: string): string =>
  `gcc -shared -fPIC b.c -o ${library} -Wl,-soname,${library}; gcc a.c -o app ./${library}; rm ${library}; ./app`;
const PAIR = {
  'a.c': 'int b(void);\nint main(void) { return b(); }\n',
  'b.c': 'int b(void) { return 1; }\n',
};
/** A program that asks a library for a symbol version which the library at run time lacks. */
const olderLibrary = (library: string, version: string): string =>
  `echo "${version} { global: b; };" > v; gcc -shared -fPIC b.c -o ${library} -Wl,-soname,${library} -Wl,--version-script=v; gcc a.c -o app ./${library}; ` +
  `echo "OLD_1 { global: b; };" > v; gcc -shared -fPIC b.c -o ${library} -Wl,-soname,${library} -Wl,--version-script=v; LD_LIBRARY_PATH=. ./app`;

export const LOADER_CASES = madeCases(
  'gpu-test',
  ['gcc'],
  [
    ['loader-libcudart', 'runtime-load/cuda-library-missing', without('libcudart.so.12'), PAIR],
    ['loader-libcublaslt', 'runtime-load/cuda-library-missing', without('libcublasLt.so.13'), PAIR],
    ['loader-libcuda', 'runtime-load/libcuda-missing-runpath', without('libcuda.so.1'), PAIR],
    ['loader-libcudnn', 'runtime-load/cudnn-library-missing', without('libcudnn.so.9'), PAIR],
    ['loader-nvml', 'runtime-load/nvml-not-found', without('libnvidia-ml.so.1'), PAIR],
    ['loader-libnccl', 'runtime-load/cuda-library-missing', without('libnccl.so.2'), PAIR],
    ['loader-other', 'runtime-load/library-missing', without('libtbb.so.12'), PAIR],
    [
      'loader-symbol',
      'runtime-load/undefined-symbol',
      'gcc -shared -fPIC b.c -o libb.so; gcc a.c -o app ./libb.so; echo "int other;" > c.c; gcc -shared -fPIC c.c -o libb.so; ./app',
      PAIR,
    ],
    [
      'loader-symbol-nccl',
      'runtime-load/nccl-undefined-symbol',
      'gcc -shared -fPIC b.c -o libb.so; gcc a.c -o app ./libb.so; echo "int other;" > c.c; gcc -shared -fPIC c.c -o libb.so; ./app',
      {
        'a.c': 'int ncclCommRegister(void);\nint main(void) { return ncclCommRegister(); }\n',
        'b.c': 'int ncclCommRegister(void) { return 1; }\n',
      },
    ],
    [
      'loader-glibcxx',
      'runtime-load/glibcxx-version',
      olderLibrary('libstdc++.so.6', 'GLIBCXX_3.4.99'),
      PAIR,
    ],
    [
      'loader-version',
      'runtime-load/symbol-version-mismatch',
      olderLibrary('libcublas.so.12', 'libcublas.so.12'),
      PAIR,
    ],
    ['loader-glibc', 'runtime-load/symbol-version-mismatch', olderLibrary('libm.so.6', 'GLIBC_2.99'), PAIR],
    [
      'dlopen-missing',
      'runtime-load/cuda-library-missing',
      `python -c "import ctypes; ctypes.CDLL('libnvrtc.so.12')"`,
      {},
      ['python'],
    ],
    [
      'dlopen-libcuda',
      'runtime-load/libcuda-missing-runpath',
      `python -c "import ctypes; ctypes.CDLL('libcuda.so.1')"`,
      {},
      ['python'],
    ],
    [
      'dlopen-header',
      'runtime-load/library-not-loadable',
      `echo "version https://git-lfs.github.com/spec/v1 oid sha256 0000000000000000000000000000000000" > libk.so; python -c "import ctypes; ctypes.CDLL('./libk.so')"`,
      {},
      ['python'],
    ],
    [
      'dlopen-short',
      'runtime-load/library-not-loadable',
      `printf x > libk.so; python -c "import ctypes; ctypes.CDLL('./libk.so')"`,
      {},
      ['python'],
    ],
    [
      'dlopen-class',
      'runtime-load/library-not-loadable',
      `echo nop > b.s; as --32 b.s -o b.o; ld -m elf_i386 -shared b.o -o libk.so; python -c "import ctypes; ctypes.CDLL('./libk.so')"`,
      {},
      ['python'],
    ],
    [
      'dlopen-tls',
      'runtime-load/library-not-loadable',
      `gcc -shared -fPIC -ftls-model=initial-exec t.c -o libt.so; python -c "import ctypes; ctypes.CDLL('./libt.so')"`,
      { 't.c': '__thread char big[4000000];\nchar *f(void) { return big; }\n' },
      ['python'],
    ],
    [
      'dlopen-symbol',
      'runtime-load/undefined-symbol',
      `gcc -shared -fPIC b.c -o libk.so; python -c "import ctypes, os; ctypes.CDLL('./libk.so', mode=os.RTLD_NOW)"`,
      { 'b.c': 'int _ZN3c104cuda9SetDeviceEa(int);\nint b(void) { return _ZN3c104cuda9SetDeviceEa(0); }\n' },
      ['python'],
    ],
    [
      'python-extension',
      'runtime-load/cuda-library-missing',
      `gcc -shared -fPIC b.c -o libcusparse.so.12 -Wl,-soname,libcusparse.so.12; gcc -shared -fPIC e.c -o _C.so ./libcusparse.so.12; rm libcusparse.so.12; PYTHONPATH=. python -c "import _C"`,
      {
        'b.c': 'int b(void) { return 1; }\n',
        'e.c': 'int b(void);\nvoid *PyInit__C(void) { b(); return 0; }\n',
      },
      ['python'],
    ],
  ],
);
