# What goes wrong, for real: each fault is a package that somebody wrote in good faith.
{ lib, toolkit, packages, packagesFor }:

let
  inherit (toolkit) cuda_nvcc cuda_cudart;
  inherit (packages) vecmath saxpy;

  version = "1.0";
  headers = "-I${cuda_cudart.dev}/include -I${cuda_nvcc.dev}/include";

  package = attrs: lib.mkDerivation ({ inherit version; } // attrs // {
    meta = { license = lib.licenses.mit; } // attrs.meta or { };
  });

  # nvcc, headers and libraries in one tree of links: what Nixpkgs' `cudatoolkit` is.
  cudatoolkit = package {
    pname = "cudatoolkit";
    installPhase = ''
      mkdir -p $out/lib
      cp -rs ${cuda_nvcc}/. $out/
      cp -rs ${cuda_cudart.lib}/lib/. $out/lib/
    '';
    meta.license = lib.licenses.nvidiaCuda;
  };

  faults = {
    compileError = package {
      pname = "compile-error";
      srcs = [ ./src/compile-error.cu ];
      NVCC_PREPEND_FLAGS = headers;
      buildPhase = ''
        run ${cuda_nvcc}/bin/nvcc -arch=sm_89 -c -o compile-error.o compile-error.cu
      '';
      installPhase = ''
        run g++ compile-error.o -o $out ${lib.linkFlags [ cuda_cudart.lib ]} -lcudart
      '';
      meta.description = "Uses a field that CUDA 13 removed";
    };

    undefinedSymbol = package {
      pname = "undefined-symbol";
      srcs = [ ./src/undefined-symbol.c ];
      buildPhase = ''
        run gcc -O2 -I${vecmath.dev}/include undefined-symbol.c -o undefined-symbol ${lib.linkFlags [ vecmath ]} -lvecmath
      '';
      installPhase = ''
        mkdir -p $out/bin
        cp undefined-symbol $out/bin/
      '';
      meta.description = "Calls a function that this libvecmath does not have";
    };

    # Linked with -L and without -rpath: found by the linker, not by the loader.
    libraryNotFound = package {
      pname = "library-not-found";
      srcs = [ ./src/saxpy.c ];
      buildPhase = ''
        run gcc -O2 -I${vecmath.dev}/include saxpy.c -o saxpy -L${vecmath}/lib -lvecmath
      '';
      doCheck = true;
      checkPhase = ''
        run ./saxpy 1024
      '';
      installPhase = ''
        mkdir -p $out/bin
        cp saxpy $out/bin/
      '';
      meta.description = "Lacks the RUNPATH of a library it links";
    };

    # The check belongs into gpuCheck: where there is a driver and no sandbox it passes, on a plain builder it cannot.
    needsDriver = package {
      pname = "needs-driver";
      doCheck = true;
      checkPhase = ''
        run ${saxpy}/bin/saxpy 1024
      '';
      installPhase = ''
        mkdir -p $out/bin
        ln -s ${saxpy}/bin/saxpy $out/bin/needs-driver
      '';
      meta.description = "Runs a CUDA program in the check phase of a plain build";
    };

    leakedToolkit = package {
      pname = "leaked-toolkit";
      srcs = [ ./src/saxpy.c ];
      buildPhase = ''
        run gcc -O2 -I${vecmath.dev}/include saxpy.c -o saxpy ${lib.linkFlags [ vecmath cudatoolkit ]} -lvecmath
      '';
      installPhase = ''
        mkdir -p $out/bin
        cp saxpy $out/bin/
      '';
      meta.description = "Has the whole toolkit in its RUNPATH, and so in its runtime closure";
    };

    hashMismatch = package {
      name = "test-data-${version}.txt";
      outputHashMode = "flat";
      outputHashAlgo = "sha256";
      # Of the file before upstream moved the tag.
      outputHash = builtins.hashString "sha256" "vecmath test data\n";
      srcs = [ ./src/test-data.txt ];
      installPhase = ''
        cp test-data.txt $out
      '';
      meta.description = "Its source was tagged anew, so the pinned hash is another file's";
    };

    timeout = package {
      pname = "never-ends";
      srcs = [ ./src/never-ends.c ];
      buildPhase = ''
        run gcc -O1 never-ends.c -o never-ends
      '';
      doCheck = true;
      checkPhase = ''
        run ./never-ends
      '';
      installPhase = ''
        cp never-ends $out
      '';
      meta = {
        description = "Its check counts in single precision and never ends";
        timeout = 5;
      };
    };

    silence = package {
      pname = "deadlock";
      doCheck = true;
      # Opening a FIFO waits for the other end, and nothing ever writes.
      checkPhase = ''
        mkfifo results
        echo "waiting for the worker's results"
        cat results
      '';
      installPhase = ''
        echo done > $out
      '';
      meta = {
        description = "Its check waits for a process that was never started";
        maxSilent = 5;
      };
    };

    missingOutput = package {
      pname = "missing-output";
      outputs = [ "out" "doc" ];
      installPhase = ''
        mkdir -p $out/bin $out/share/doc
        ln -s ${saxpy}/bin/saxpy $out/bin/missing-output
        echo "How to use it." > $out/share/doc/manual.txt
      '';
      meta.description = "Installs its manual below $out, not into the output doc";
    };

    # Builds, and passes wherever nobody looks: its device code is for Turing alone, without PTX, whatever is asked for.
    ignoresCapabilities =
      let turingOnly = packagesFor { cudaCapabilities = [ "7.5" ]; cudaForwardCompat = false; }; in
      turingOnly.vecmath.overrideAttrs (old: {
        pname = "vecmath-turing-only";
        passthru = {
          gpuCheck = (turingOnly.testerOf faults.ignoresCapabilities).gpuCheck;
        };
        meta = old.meta // { description = "Ignores cudaCapabilities: no kernel image for other GPUs than sm_75"; };
      });

    # Refused at evaluation, as in Nixpkgs: Orin (8.7) and desktop GPUs cannot share a build.
    jetson = (packagesFor { cudaCapabilities = [ "8.7" "8.9" ]; cudaForwardCompat = false; }).vecmath;
  };

  # Each dependent needs its root's output; none of them can be built, but for the leak's, which inherits the leak.
  dependentOf = name: package {
    name = "${faults.${name}.name}-user";
    installPhase = ''
      mkdir -p $out
      ln -s ${faults.${name}} $out/uses
    '';
    meta.description = "Dependent of ${name}";
  };

  rootNames = [
    "compileError"
    "undefinedSymbol"
    "libraryNotFound"
    "needsDriver"
    "leakedToolkit"
    "hashMismatch"
    "timeout"
    "silence"
    "missingOutput"
  ];
in
faults // {
  dependents = builtins.listToAttrs (map (name: { inherit name; value = dependentOf name; }) rootNames);
}
