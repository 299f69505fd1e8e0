# What goes wrong with CUDA packages, built for real with the toolkit of examples/cuda: see inspect.test.ts.
# `runtime12` is the wheel nvidia-cuda-runtime-cu12.
{ runtime12 }:

let
  example = ../../../examples/cuda;
  system = builtins.currentSystem;
  lib = import (example + "/lib.nix") { inherit system; };
  toolkit = import (example + "/toolkit.nix") { inherit lib system; };
  packagesFor = capabilities: import (example + "/packages.nix") ({ inherit lib toolkit; } // capabilities);
  inherit (toolkit) cuda_cudart;

  package = name: attrs: lib.mkDerivation ({ inherit name; } // attrs);
  source = name: text: builtins.toFile name text;

  # Two versions of a library, of which the second lost a function.
  answers = functions: package "answers-${toString (builtins.length functions)}.0" {
    srcs = [ (source "answers.c" (builtins.concatStringsSep "\n" (map (name: "int ${name}(void) { return 42; }") functions))) ];
    installPhase = ''
      mkdir -p $out/lib
      gcc -shared -fPIC -Wl,-soname,libanswers.so.1 answers.c -o $out/lib/libanswers.so.1
      ln -s libanswers.so.1 $out/lib/libanswers.so
    '';
  };
  both = answers [ "answer" "question" ];
  one = answers [ "answer" ];
  asks = source "asks.c" "int answer(void), question(void);\nint main(void) { return answer() - question(); }\n";

  # As cudart's lib/stubs: it answers that it is a stub (CUDA_ERROR_STUB_LIBRARY).
  stubs = package "cuda_cudart-stubs" {
    srcs = [ (source "stub.c" "int cuInit(unsigned flags) { return 34; }\n") ];
    installPhase = ''
      mkdir -p $out/lib/stubs
      gcc -shared -fPIC -Wl,-soname,libcuda.so.1 stub.c -o $out/lib/stubs/libcuda.so
      ln -s libcuda.so $out/lib/stubs/libcuda.so.1
    '';
  };
  usesDriver = name: rpath: package name {
    srcs = [
      (source "init.c" ''
        #include <stdio.h>
        int cuInit(unsigned flags);
        int main(void) {
          int error = cuInit(0);
          if (error == 34) fprintf(stderr, "CUDA error: CUDA driver is a stub library (34)\n");
          return error;
        }
      '')
    ];
    installPhase = ''
      mkdir -p $out/bin
      gcc init.c -o $out/bin/init -L${stubs}/lib/stubs -lcuda -Wl,--enable-new-dtags,-rpath,${rpath}
    '';
  };

  cudart12 = package "cuda_cudart-12.9.79" {
    srcs = [ (builtins.path { path = runtime12; name = "runtime.zip"; }) ];
    installPhase = ''
      python3 -m zipfile -e *runtime.zip .
      mkdir -p $out/lib
      cp nvidia/cuda_runtime/lib/libcudart.so.12 $out/lib/
    '';
  };
  counts = name: runtime: file: package "libcounts${name}" {
    srcs = [ (source "counts.c" "int cudaGetDeviceCount(int *);\nint counts${name}(void) { int n = 0; cudaGetDeviceCount(&n); return n; }\n") ];
    installPhase = ''
      mkdir -p $out/lib
      gcc -shared -fPIC counts.c -o $out/lib/libcounts${name}.so ${runtime}/lib/${file} -Wl,-rpath,${runtime}/lib
    '';
  };
  first = counts "A" cudart12 "libcudart.so.12";
  second = counts "B" cuda_cudart.lib "libcudart.so.13";
in
{
  unsupportedArchitecture = (packagesFor { cudaCapabilities = [ "6.1" ]; cudaForwardCompat = false; }).vecmath;

  missingSymbol = package "asks" {
    srcs = [ asks ];
    installPhase = ''
      mkdir -p $out/bin
      gcc asks.c -o $out/bin/asks -L${both}/lib -lanswers -Wl,-rpath,${one}/lib
    '';
  };

  wrongRunpath = package "asks-wrong-runpath" {
    srcs = [ asks ];
    installPhase = ''
      mkdir -p $out/bin
      gcc asks.c -o $out/bin/asks -L${both}/lib -lanswers -Wl,-rpath,${both}/lib64
    '';
  };

  # A plugin: its host's symbols are the host's business, CUDA's are not.
  plugin = package "plugin" {
    srcs = [ (source "plugin.c" "void host_log(void);\nint plugin(void) { host_log(); return 0; }\n") ];
    installPhase = ''
      mkdir -p $out/lib
      gcc -shared -fPIC plugin.c -o $out/lib/plugin.so
    '';
  };
  pluginWithoutCudart = package "plugin-without-cudart" {
    srcs = [ (source "plugin.c" "int cudaGetDeviceCount(int *);\nint plugin(void) { int n; return cudaGetDeviceCount(&n); }\n") ];
    installPhase = ''
      mkdir -p $out/lib
      gcc -shared -fPIC plugin.c -o $out/lib/plugin.so
    '';
  };

  stubInFront = usesDriver "stub-in-front" "${stubs}/lib/stubs:/run/opengl-driver/lib";
  stubBehind = usesDriver "stub-behind" "/run/opengl-driver/lib:${stubs}/lib/stubs";
  noDriverPath = usesDriver "no-driver-path" "${one}/lib";

  twoMajors = package "two-majors" {
    srcs = [ (source "two.c" "int countsA(void), countsB(void);\nint main(void) { return countsA() + countsB(); }\n") ];
    installPhase = ''
      mkdir -p $out/bin
      gcc two.c -o $out/bin/two -L${first}/lib -lcountsA -L${second}/lib -lcountsB -Wl,-rpath,${first}/lib:${second}/lib
    '';
  };

  noPtx = (packagesFor { cudaCapabilities = [ "8.9" ]; cudaForwardCompat = false; }).vecmath;
  inherit (import example { }) vecmath saxpy;
  inherit ((import example { }).faults) leakedToolkit;

  # An extension module in site-packages, and the same as a wheel.
  pythonPackage = package "python3.12-fast-1.0" {
    srcs = [ (example + "/src/kernels.cu") ];
    NVCC_PREPEND_FLAGS = "-I${cuda_cudart.dev}/include -I${toolkit.cuda_nvcc.dev}/include";
    buildPhase = ''
      ${toolkit.cuda_nvcc}/bin/nvcc -arch=sm_89 -Xcompiler -fPIC -c kernels.cu -o kernels.o
      g++ -shared kernels.o -o _native.so -L${cuda_cudart.lib}/lib -lcudart -Wl,-rpath,'$ORIGIN/../nvidia/lib'
    '';
    installPhase = ''
      site=$out/lib/python3.12/site-packages
      mkdir -p $site/fast/inner $site/nvidia/lib $out/wheel
      cp _native.so $site/fast/inner/_native.cpython-312-x86_64-linux-gnu.so
      cp _native.so $site/fast/_native.abi3.so
      cp ${cuda_cudart.lib}/lib/libcudart.so.13 $site/nvidia/lib/
      echo > $site/fast/__init__.py
      (cd $site && python3 -m zipfile -c $out/wheel/fast-1.0-cp312-cp312-linux_x86_64.whl fast nvidia)
    '';
  };
}
