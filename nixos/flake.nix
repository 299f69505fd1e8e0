{
  description = "nixwarp: durable CI and a binary cache for GPU-accelerated Nixpkgs";

  # No inputs: the modules and the package take the Nixpkgs of the system that they become a part of, so there is none to
  # lock, to follow, or to download twice.
  outputs = _: {
    nixosModules.default = ./default.nix;
    overlays.default = final: _: { nixwarp = final.callPackage ./package.nix { }; };
  };
}
