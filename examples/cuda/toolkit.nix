# NVIDIA's CUDA 13 toolkit from its PyPI wheels, in packages and outputs as Nixpkgs cuts it.
{ lib, system }:

let
  wheels = (builtins.fromJSON (builtins.readFile ./wheels.json)).systems.${system}
    or (throw "the CUDA toolkit has no wheels for ${system}: expected x86_64-linux or aarch64-linux");

  wheelNamed = name: builtins.head (builtins.filter (wheel: wheel.name == name) wheels);

  inherit (wheelNamed "nvidia-cuda-nvcc") version;

  # Set-up adds the file by `nix-store --add-fixed sha256`; being valid, it is never built.
  wheel = name:
    let this = wheelNamed name; in
    lib.mkDerivation {
      name = this.file;
      outputHashMode = "flat";
      outputHashAlgo = "sha256";
      outputHash = this.sha256;
      buildPhase = ''
        echo "${this.file} is not in the store: fetch it from ${this.url}" >&2
        echo "and add it by: nix-store --add-fixed sha256 ${this.file}" >&2
        exit 1
      '';
      meta.license = lib.licenses.nvidiaCuda;
    };

  unpack = names: builtins.concatStringsSep "\n" (map (name: "run python3 -m zipfile -e ${wheel name} .") names);
in
{
  cuda_nvcc = lib.mkDerivation {
    pname = "cuda_nvcc";
    inherit version;
    outputs = [ "out" "dev" "lib" ];
    buildPhase = unpack [ "nvidia-cuda-nvcc" "nvidia-cuda-crt" "nvidia-nvvm" ];
    # Zip archives carry no run bits.
    installPhase = ''
      mkdir -p $out/share $dev $lib/lib
      mv nvidia/cu13/bin nvidia/cu13/nvvm $out/
      chmod +x $out/bin/* $out/nvvm/bin/*
      mv nvidia/cu13/include $dev/
      mv nvidia/cu13/lib/libnvvm.so.4 $lib/lib/
      cp nvidia_cuda_nvcc-*.dist-info/licenses/License.txt $out/share/
    '';
    meta = {
      description = "CUDA compiler";
      license = lib.licenses.nvidiaCuda;
    };
  };

  cuda_cudart = lib.mkDerivation {
    pname = "cuda_cudart";
    inherit version;
    outputs = [ "lib" "dev" "static" ];
    buildPhase = unpack [ "nvidia-cuda-runtime" ];
    installPhase = ''
      mkdir -p $lib/lib $lib/share $dev $static/lib
      mv nvidia/cu13/include $dev/
      mv nvidia/cu13/lib/*.a $static/lib/
      mv nvidia/cu13/lib/libcudart.so.13 $lib/lib/
      ln -s libcudart.so.13 $lib/lib/libcudart.so
      cp nvidia_cuda_runtime-*.dist-info/licenses/License.txt $lib/share/
    '';
    meta = {
      description = "CUDA runtime library";
      license = lib.licenses.nvidiaCudaRedist;
    };
  };
}
