# nixwarp as a package: `pkgs.callPackage ./package.nix { }`. Node runs the TypeScript sources, so nothing is compiled.
{
  lib,
  stdenv,
  callPackage,
  makeWrapper,
  autoPatchelfHook,
  nodejs_24,
  git,
  util-linux,
  # See node-modules.nix for what it is the hash of, and how it is learnt.
  npmDepsHash ? (lib.importJSON ./node-modules.json).${stdenv.hostPlatform.system}
    or (throw "nixwarp has no npm packages for ${stdenv.hostPlatform.system}"),
}:

let
  nodeModules = callPackage ./node-modules.nix { inherit npmDepsHash; };
  processes = {
    nixwarp-server = "server/main.ts";
    nixwarp-coordinator = "workers/coordinator.ts";
    nixwarp-builder = "workers/builder.ts";
  };
in
# Not buildNpmPackage: it wants an address for every package in the lock file, where ours has hashes only, and it installs
# below lib/node_modules, where Node refuses to run TypeScript (ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING).
stdenv.mkDerivation {
  pname = "nixwarp";
  version = (lib.importJSON ../package.json).version;

  src = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.unions [
      ../activities
      ../cli
      ../db
      ../domain
      ../runtime
      ../server
      ../workers
      ../workflows
      ../LICENSE
      ../package.json
    ];
  };

  nativeBuildInputs = [
    makeWrapper
    # Temporal's core and the compiler of the workflow bundle come as prebuilt libraries.
    autoPatchelfHook
  ];
  buildInputs = [ stdenv.cc.cc.lib ];

  dontConfigure = true;
  dontBuild = true;
  # Of thousands of files none has symbols worth the minutes.
  dontStrip = true;

  installPhase = ''
    runHook preInstall

    home=$out/share/nixwarp
    mkdir -p $home $out/bin
    cp -r . $home
    cp -r ${nodeModules} $home/node_modules
    chmod -R u+w $home

    # The command itself, not cli/nixwarp.mjs, which would have npm install what is missing. Its state cannot lie beside it.
    makeWrapper ${nodejs_24}/bin/node $out/bin/nixwarp --add-flags $home/cli/main.ts \
      --run 'export NIXWARP_STATE_DIR="''${NIXWARP_STATE_DIR-''${XDG_STATE_HOME-$HOME/.local/state}/nixwarp}"'
    ${lib.concatStrings (
      lib.mapAttrsToList (name: entry: ''
        makeWrapper ${nodejs_24}/bin/node $out/bin/${name} --add-flags $home/${entry} \
          --suffix PATH : ${lib.makeBinPath [ git util-linux ]}
      '') processes
    )}
    runHook postInstall
  '';

  # Loads what is not ours and not JavaScript: Temporal's core, and the compiler of the workflow bundle.
  doInstallCheck = true;
  installCheckPhase = ''
    runHook preInstallCheck
    HOME=$TMPDIR $out/bin/nixwarp --version | grep -qxF "$version"
    (cd $out/share/nixwarp && ${nodejs_24}/bin/node -e 'require("@temporalio/core-bridge"); require("@swc/core")')
    runHook postInstallCheck
  '';

  passthru = { inherit nodeModules; };

  meta = {
    description = "Durable CI and a binary cache for GPU-accelerated Nixpkgs";
    license = lib.licenses.mit;
    mainProgram = "nixwarp";
    platforms = [ "x86_64-linux" "aarch64-linux" ];
  };
}
