# nixwarp's NixOS modules: `imports = [ "${nixwarp}/nixos" ];`, or `nixwarp.nixosModules.default` of the flake.
{
  imports = [
    ./modules/options.nix
    ./modules/database.nix
    ./modules/temporal.nix
    ./modules/server.nix
    ./modules/coordinator.nix
    ./modules/builder.nix
  ];
}
