# The npm packages that nixwarp needs at run time, as npm unpacks them: a fixed-output derivation.
{
  lib,
  stdenvNoCC,
  nodejs_24,
  cacert,
  # The hash of what node-modules.sh leaves. `nixos/update-node-modules.sh` writes it, without Nixpkgs, into
  # node-modules.json whenever package-lock.json changes. By hand: give `lib.fakeHash`, and Nix tells the right one.
  npmDepsHash,
}:

stdenvNoCC.mkDerivation {
  pname = "nixwarp-node-modules";
  # The lock file is part of the name: Nix takes an output of a name and hash that it has without asking again, and would
  # take last month's packages for a new lock file with an old hash.
  version = builtins.substring 0 8 (builtins.hashFile "sha256" ../package-lock.json);

  src = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.unions [
      ../package.json
      ../package-lock.json
      ./node-modules.sh
    ];
  };

  nativeBuildInputs = [ nodejs_24 ];
  impureEnvVars = lib.fetchers.proxyImpureEnvVars;
  env.NODE_EXTRA_CA_CERTS = "${cacert}/etc/ssl/certs/ca-bundle.crt";

  buildPhase = ''
    runHook preBuild
    export HOME=$TMPDIR
    sh nixos/node-modules.sh ${stdenvNoCC.hostPlatform.system}
    runHook postBuild
  '';

  installPhase = ''
    runHook preInstall
    mv node_modules $out
    runHook postInstall
  '';

  # Fixing up would write store paths into it, which an output of a known hash may not have.
  dontFixup = true;
  outputHashMode = "recursive";
  outputHash = npmDepsHash;
}
