# A stand-in for Nixpkgs' packages: names in a store that nobody builds, and a `mkDerivation` whose derivations can be looked at, not built.
{ lib, system }:

let
  package = name: {
    type = "derivation";
    inherit name;
    outPath = "/nix/store/00000000000000000000000000000000-${name}";
    meta.mainProgram = name;
  };

  callPackage =
    path: overrides:
    let
      function = import path;
      wanted = builtins.functionArgs function;
    in
    function (
      builtins.intersectAttrs wanted pkgs
      // builtins.intersectAttrs wanted { inherit lib; }
      // overrides
    );

  # What a package says: its attributes and phases.
  mkDerivation =
    arguments:
    let
      attributes = builtins.removeAttrs arguments [ "meta" "passthru" "env" "impureEnvVars" "nativeBuildInputs" "buildInputs" ];
    in
    derivation (
      {
        inherit system;
        name = "${arguments.pname}-${arguments.version}";
        builder = "/bin/sh";
        args = [ "-c" "exit 1" ];
        buildPhase = "";
        installCheckPhase = "";
      }
      // attributes
      // arguments.env or { }
    )
    // {
      inherit (arguments) meta;
    }
    // arguments.passthru or { };

  stdenv = {
    inherit mkDerivation;
    hostPlatform = { inherit system; };
    cc.cc.lib = package "gcc-lib";
  };

  pkgs = {
    inherit callPackage stdenv;
    stdenvNoCC = stdenv;
    nodejs_24 = package "nodejs";
    nvidia = package "nvidia-x11" // {
      bin = package "nvidia-x11-bin";
    };
  }
  // builtins.listToAttrs (
    map
      (name: {
        inherit name;
        value = package name;
      })
      [
        "autoPatchelfHook"
        "cacert"
        "curl"
        "git"
        "makeWrapper"
        "nix"
        "nix-eval-jobs"
        "temporal-cli"
        "util-linux"
      ]
  );
in
pkgs
