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
