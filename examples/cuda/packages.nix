# The packages that hold device code, for one set of capabilities.
{ lib, toolkit, cudaCapabilities, cudaForwardCompat }:

let
  inherit (toolkit) cuda_nvcc cuda_cudart;

  version = "1.0";
  gencode = lib.gencodeFlags { inherit cudaCapabilities cudaForwardCompat; };

  headers = "-I${cuda_cudart.dev}/include -I${cuda_nvcc.dev}/include";
  driverSources = [ ./src/checks.h ./src/checks.c ./src/driver.h ./src/driver.c ];

  # Needs no GPU and holds no device code: the same derivation whatever the capabilities.
  gpu-check = lib.mkDerivation {
    pname = "gpu-check";
    inherit version;
    srcs = driverSources ++ [ ./src/gpu-check.c ];
    buildPhase = ''
      run gcc -O2 -Wall ${headers} gpu-check.c checks.c driver.c -o gpu-check ${lib.linkFlags [ ]}
    '';
    installPhase = ''
      mkdir -p $out/bin
      cp gpu-check $out/bin/
    '';
    meta = {
      description = "Runs kernels of a fat binary through the driver API and compares with the CPU";
      license = lib.licenses.mit;
      mainProgram = "gpu-check";
    };
  };

  vecmath = lib.mkDerivation {
    pname = "vecmath";
    inherit version;
    outputs = [ "out" "dev" "fatbin" ];
    srcs = [ ./src/kernels.cu ./src/vecmath.h ./src/vecmath.cu ];
    NVCC_PREPEND_FLAGS = headers;
    # The host's linker links: nvcc would write the toolkit's folder into the device code (NixOS/nixpkgs#457424).
    buildPhase = ''
      export PATH=${cuda_nvcc}/bin:$PATH
      run nvcc ${toString gencode} -fatbin -no-compress -o vecmath.fatbin kernels.cu
      run bin2c --const --static --type longlong --name vecmath_fatbin vecmath.fatbin > vecmath-fatbin.h
      run nvcc ${toString gencode} -O2 -c -Xcompiler -fPIC -o vecmath.o vecmath.cu
      run g++ -shared -s -Wl,-soname,libvecmath.so vecmath.o -o libvecmath.so \
        ${lib.linkFlags [ cuda_cudart.lib ]} -lcudart
    '';
    installPhase = ''
      mkdir -p $out/lib $dev/include $fatbin/share/vecmath
      cp libvecmath.so $out/lib/
      cp vecmath.h $dev/include/
      cp vecmath.fatbin $fatbin/share/vecmath/
    '';
    passthru = {
      inherit cudaCapabilities cudaForwardCompat;
      tests.kernels = testerOf vecmath;
    };
    meta = {
      description = "Shared library with CUDA kernels";
      license = lib.licenses.mit;
    };
  };

  # Nixpkgs' usual shape: a program that anyone may run, and a small derivation that runs it where there is a GPU.
  testerOf = package:
    let
      tester = lib.mkDerivation {
        name = "tester-${package.name}";
        installPhase = ''
          mkdir -p $out/bin
          printf '#!/bin/sh\nexec %s "$@"\n' \
            "${gpu-check}/bin/gpu-check ${package.fatbin}/share/vecmath/vecmath.fatbin saxpy sum" > $out/bin/tester
          chmod +x $out/bin/tester
        '';
        passthru.gpuCheck = lib.mkGpuCheck {
          name = "${package.name}-kernels-gpu-check";
          command = "run ${tester}/bin/tester";
          meta.description = "Kernels of ${package.name} on a GPU";
        };
        meta.license = lib.licenses.mit;
      };
    in
    tester;

  saxpy = lib.mkDerivation {
    pname = "saxpy";
    inherit version;
    srcs = [ ./src/saxpy.c ];
    buildPhase = ''
      run gcc -O2 -Wall -I${vecmath.dev}/include saxpy.c -o saxpy ${lib.linkFlags [ vecmath ]} -lvecmath
    '';
    # The stand-in has no tables for the runtime library, so there only the driver API can be used.
    checkPhase = ''
      run ${gpu-check}/bin/gpu-check ${vecmath.fatbin}/share/vecmath/vecmath.fatbin saxpy
      if [ -e /run/opengl-driver/stand-in-gpu ]; then
        echo "stand-in: the runtime library needs a real driver, the program itself is not run"
      else
        run ./saxpy
      fi
    '';
    installPhase = ''
      mkdir -p $out/bin
      cp saxpy $out/bin/
    '';
    # Nixpkgs' other shape: the package once more, with its check enabled.
    passthru.gpuCheck = saxpy.overrideAttrs (old: {
      doCheck = true;
      requiredSystemFeatures = [ "cuda" ];
    });
    meta = {
      description = "Program that links a library with CUDA kernels";
      license = lib.licenses.mit;
      mainProgram = "saxpy";
    };
  };

  plugin-host = lib.mkDerivation {
    pname = "plugin-host";
    inherit version;
    srcs = driverSources ++ [ ./src/plugin-host.c ];
    buildPhase = ''
      run gcc -O2 -Wall ${headers} plugin-host.c checks.c driver.c -o plugin-host ${lib.linkFlags [ vecmath ]}
    '';
    doCheck = true;
    checkPhase = ''
      run ./plugin-host --load-only
    '';
    installPhase = ''
      mkdir -p $out/bin
      cp plugin-host $out/bin/
    '';
    # The third shape: a test that carries the feature itself, which Nixpkgs' own collector does not find.
    passthru.tests.load = lib.mkGpuCheck {
      name = "plugin-host-${version}-load";
      command = "run ${plugin-host}/bin/plugin-host saxpy sum";
      meta.description = "Kernels of a library loaded by dlopen on a GPU";
    };
    meta = {
      description = "Program that loads a library with CUDA kernels by dlopen";
      license = lib.licenses.mit;
      mainProgram = "plugin-host";
    };
  };
in
{
  inherit gpu-check vecmath saxpy plugin-host testerOf;
}
