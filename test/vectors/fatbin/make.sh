#!/bin/sh
# Makes the fat binaries, cubins and PTX of this folder anew with nvcc of examples/cuda (13.5.37).
#
#   PATH=$(nix-build examples/cuda -A cuda_nvcc --no-out-link)/bin:$PATH \
#   NVCC_PREPEND_FLAGS="-I.../cuda_cudart-dev/include -I.../cuda_nvcc-dev/include" test/vectors/fatbin/make.sh
set -eu
cd "$(dirname "$0")"

fatbin() { # FILE FLAG...
  file=$1 && shift
  nvcc "$@" -fatbin -o "$file" kernels.cu
}
code() { echo "-gencode=arch=compute_$1,code=sm_$1"; }
ptx() { echo "-gencode=arch=compute_$1,code=compute_$1"; }

fatbin sm_75.fatbin -no-compress "$(code 75)"
fatbin sm_75-ptx.fatbin -no-compress "$(code 75)" "$(ptx 75)"
fatbin sm_75-sm_86-sm_89.fatbin -no-compress "$(code 75)" "$(code 86)" "$(code 89)"
fatbin sm_90a.fatbin -no-compress "$(code 90a)"
fatbin sm_100f.fatbin -no-compress "$(code 100f)"
fatbin compressed.fatbin -compress-mode=size "$(code 89)"
nvcc -arch=sm_89 -cubin -o sm_89.cubin kernels.cu
nvcc -arch=compute_75 -ptx -o compute_75.ptx kernels.cu
nvcc -arch=compute_90a -ptx -o compute_90a.ptx kernels.cu
# Two containers, as in a library: the first with LZ4 (the older form), the second with zstd.
nvcc -arch=sm_75 -cubin -o 75.cubin ../../../examples/cuda/src/kernels.cu
nvcc -arch=sm_90 -cubin -o 90.cubin ../../../examples/cuda/src/kernels.cu
nvcc -arch=sm_90 -ptx -o 90.ptx ../../../examples/cuda/src/kernels.cu
fatbinary --create=lz4 --64 -compress-all --compress-mode=speed --image3=kind=elf,sm=75,file=75.cubin --image3=kind=ptx,sm=90,file=90.ptx
fatbinary --create=zstd --64 -compress-all --compress-mode=size --image3=kind=elf,sm=90,file=90.cubin
cat lz4 zstd > both-compressions.fatbin
rm 75.cubin 90.cubin 90.ptx lz4 zstd
