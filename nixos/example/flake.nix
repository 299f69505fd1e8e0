{
  description = "Two machines: one with everything, and a builder with GPUs";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  # Where you have nixwarp: a forge, or `git+file:///path/to/nixwarp?dir=nixos`.
  inputs.nixwarp.url = "git+https://git.example.org/nixwarp?dir=nixos";

  outputs =
    { nixpkgs, nixwarp, ... }:
    {
      nixosConfigurations.ci = nixpkgs.lib.nixosSystem {
        modules = [
          nixwarp.nixosModules.default
          ./ci.nix
        ];
      };
      nixosConfigurations.ada = nixpkgs.lib.nixosSystem {
        modules = [
          nixwarp.nixosModules.default
          ./ada.nix
        ];
      };
    };
}
