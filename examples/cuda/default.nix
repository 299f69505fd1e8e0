# A miniature CUDA package set on NVIDIA's CUDA 13 toolkit, shaped as Nixpkgs': see README.md.
#
# `cudaCapabilities = [ ]` means this set's defaults, as in Nixpkgs. What does not depend on capabilities (toolkit,
# faults, aggregate) is there with the defaults only, so that the variants do not repeat it.
{
  system ? builtins.currentSystem,
  cudaCapabilities ? [ ],
  cudaForwardCompat ? true,
}:

let
  defaultCapabilities = [ "7.5" "8.9" "9.0" ];
  isDefault = cudaForwardCompat && (cudaCapabilities == [ ] || cudaCapabilities == defaultCapabilities);

  lib = import ./lib.nix { inherit system; };
  toolkit = import ./toolkit.nix { inherit lib system; };
  packagesFor = capabilities: import ./packages.nix ({ inherit lib toolkit; } // capabilities);

  packages = packagesFor {
    inherit cudaForwardCompat;
    cudaCapabilities = if isDefault then defaultCapabilities else cudaCapabilities;
  };

  # Hydra's aggregate: its constituents are jobs of this evaluation, by name.
  tested = lib.mkDerivation {
    name = "tested";
    _hydraAggregate = true;
    constituents = [ "cuda_nvcc" "cuda_cudart" "gpu-check" "vecmath" "saxpy" "plugin-host" ];
    installPhase = ''
      mkdir -p $out/nix-support
      echo "$constituents" > $out/nix-support/hydra-aggregate-constituents
    '';
    meta.description = "What must be good for the channel to advance";
  };
in
{
  inherit (packages) vecmath saxpy plugin-host;
}
// (
  if !isDefault then
    { }
  else
    {
      inherit (toolkit) cuda_nvcc cuda_cudart;
      inherit (packages) gpu-check;
      inherit tested;
      faults = import ./faults.nix { inherit lib toolkit packages packagesFor; };
    }
)
