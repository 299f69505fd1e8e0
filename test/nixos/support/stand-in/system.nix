# What NixOS itself defines about the options in nixos.nix, as far as nixwarp's modules react to it.
{
  config,
  lib,
  pkgs,
  ...
}:

{
  config = {
    nix.package = lib.mkDefault pkgs.nix;
    nix.settings = {
      trusted-public-keys = [ "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=" ];
      trusted-users = [ "root" ];
      substituters = [ "https://cache.nixos.org/" ];
      system-features = lib.mkMerge [
        (lib.mkDefault [
          "nixos-test"
          "benchmark"
          "big-parallel"
          "kvm"
        ])
        (lib.mkIf config.programs.nix-required-mounts.presets.nvidia-gpu.enable [
          "gpu"
          "nvidia-gpu"
          "opengl"
          "cuda"
        ])
      ];
    };
    hardware.nvidia.enabled = lib.mkDefault (lib.elem "nvidia" config.services.xserver.videoDrivers);
    hardware.nvidia.package = pkgs.nvidia;
    services.postgresql.settings.port = lib.mkDefault 5432;
  };
}
