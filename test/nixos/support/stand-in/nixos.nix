# A stand-in for NixOS: the options of it that nixwarp's modules and example set, with NixOS' types and defaults.
{ lib, ... }:

let
  inherit (lib) mkOption types;
  option = type: default: mkOption { inherit type default; };
  flag = option types.bool false;
  strings = option (types.listOf types.str) [ ];
  text = mkOption { type = types.str; };
  settings = option (types.attrsOf types.raw) { };
  unit = mkOption {
    type = types.attrsOf types.unitOption;
    default = { };
  };

  service = {
    options = {
      description = option types.str "";
      documentation = strings;
      wantedBy = strings;
      wants = strings;
      requires = strings;
      after = strings;
      before = strings;
      path = option (types.listOf types.package) [ ];
      postStart = option types.lines "";
      environment = option (types.attrsOf (types.nullOr types.str)) { };
      serviceConfig = unit;
      unitConfig = unit;
      startLimitIntervalSec = mkOption { type = types.int; };
    };
  };

  user.options = {
    isSystemUser = flag;
    group = option types.str "";
    description = option types.str "";
    extraGroups = strings;
    home = option types.str "/var/empty";
  };
in
{
  options = {
    assertions = option (types.listOf types.raw) [ ];
    warnings = strings;
    environment.systemPackages = option (types.listOf types.package) [ ];
    networking.hostName = option types.str "nixos";
    networking.firewall = {
      allowedTCPPorts = option (types.listOf types.port) [ ];
      allowedUDPPorts = option (types.listOf types.port) [ ];
      interfaces = settings;
    };
    networking.wireguard.interfaces = settings;
    nixpkgs.hostPlatform = text;
    nixpkgs.config = settings;
    system.stateVersion = text;
    boot.loader.systemd-boot.enable = flag;
    fileSystems = settings;
    security.acme = settings;

    users.users = option (types.attrsOf (types.submodule user)) { };
    users.groups = option (types.attrsOf types.attrs) { };
    systemd.services = option (types.attrsOf (types.submodule service)) { };

    nix.enable = option types.bool true;
    nix.package = mkOption { type = types.package; };
    nix.settings = mkOption {
      default = { };
      type = types.submodule {
        freeformType = types.attrsOf types.raw;
        options = {
          substituters = strings;
          trusted-substituters = strings;
          trusted-public-keys = strings;
          trusted-users = strings;
          system-features = strings;
          allowed-users = option (types.listOf types.str) [ "*" ];
        };
      };
    };

    programs.nix-required-mounts.enable = flag;
    programs.nix-required-mounts.presets.nvidia-gpu.enable = flag;
    hardware.graphics.enable = flag;
    hardware.nvidia = {
      enabled = flag;
      open = flag;
      nvidiaPersistenced = flag;
      package = mkOption { type = types.package; };
    };
    services.xserver.videoDrivers = strings;

    services.nginx = mkOption {
      default = { };
      type = types.submodule {
        freeformType = types.attrsOf types.raw;
        options = {
          enable = flag;
          user = option types.str "nginx";
        };
      };
    };
    services.postgresql = {
      enable = flag;
      ensureDatabases = strings;
      ensureUsers = option (types.listOf types.raw) [ ];
      settings = option (types.attrsOf types.raw) { };
    };
  };
}
