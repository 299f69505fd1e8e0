# What a machine with nixwarp's modules and `modules` becomes, as data. By the stand-in for NixOS beside this file, or by
# NixOS itself where `nixpkgs` is its source.
{
  modules,
  nixpkgs ? null,
}:

let
  system = "x86_64-linux";
  lib = import ./stand-in/lib.nix;
  pkgs = import ./stand-in/packages.nix { inherit lib system; };
  standIn = lib.evalModules {
    modules = [
      ./stand-in/nixos.nix
      ./stand-in/system.nix
    ]
    ++ ours;
    specialArgs = {
      inherit pkgs;
      # As NixOS' own (nixos/lib/utils.nix): each word quoted, with systemd's special characters doubled.
      utils.escapeSystemdExecArgs =
        words:
        lib.concatStringsSep " " (
          map (word: lib.replaceStrings [ "%" "$" ] [ "%%" "$$" ] (builtins.toJSON word)) words
        );
    };
  };
  nixos = import "${nixpkgs}/nixos/lib/eval-config.nix" {
    inherit system;
    modules = ours;
  };
  ours = [ ../../../nixos ] ++ modules;
  inherit (if nixpkgs == null then standIn else nixos) config;

  services = builtins.intersectAttrs {
    nixwarp-server = { };
    nixwarp-coordinator = { };
    nixwarp-builder = { };
    nixwarp-temporal = { };
  } config.systemd.services;
in
{
  failures = map (one: one.message) (builtins.filter (one: !one.assertion) config.assertions);
  inherit (config) warnings;
  services = builtins.mapAttrs (_: service: {
    inherit (service)
      after
      wants
      wantedBy
      environment
      serviceConfig
      startLimitIntervalSec
      postStart
      ;
    path = map toString service.path;
  }) services;
  nix = {
    inherit (config.nix.settings)
      allowed-users
      system-features
      trusted-public-keys
      trusted-substituters
      trusted-users
      ;
    narinfo-cache-negative-ttl = config.nix.settings.narinfo-cache-negative-ttl or null;
    netrc-file = config.nix.settings.netrc-file or null;
  };
  users = builtins.attrNames (
    builtins.intersectAttrs {
      nixwarp = { };
      nixwarp-builder = { };
    } config.users.users
  );
  nginxGroups = config.users.users.nginx.extraGroups or [ ];
  postgresql = {
    inherit (config.services.postgresql) enable ensureDatabases ensureUsers;
  };
  requiredMounts = config.programs.nix-required-mounts.presets.nvidia-gpu.enable;
  openPorts = config.networking.firewall.allowedTCPPorts;
  packages = map (package: package.pname or package.name) config.environment.systemPackages;
}
