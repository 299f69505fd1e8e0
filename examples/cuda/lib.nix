# What stands in for Nixpkgs' stdenv and lib here: derivations with meta, passthru, tests and overrideAttrs.
{ system }:

let
  inherit (builtins) compareVersions elem elemAt filter head length match replaceStrings sort;

  jetsonCapabilities = [ "7.2" "8.7" "10.1" "11.0" ];
in
rec {
  # Nixpkgs' names and flags. The two CUDA licences share their short name; only `redistributable` tells them apart.
  licenses = {
    mit = {
      spdxId = "MIT";
      shortName = "mit";
      fullName = "MIT License";
      free = true;
      redistributable = true;
    };
    nvidiaCuda = {
      shortName = "CUDA EULA";
      fullName = "CUDA Toolkit End User License Agreement (EULA)";
      url = "https://docs.nvidia.com/cuda/eula/index.html#cuda-toolkit-supplement-license-agreement";
      free = false;
      redistributable = false;
    };
    nvidiaCudaRedist = licenses.nvidiaCuda // { redistributable = true; };
  };

  # `meta`, `passthru` and `tests` are for those who evaluate; all else goes to the builder as its environment.
  mkDerivation = attrs:
    let
      passthru = attrs.passthru or { };
      derivationAttrs = removeAttrs attrs [ "pname" "version" "meta" "passthru" ] // {
        inherit system;
        name = attrs.name or "${attrs.pname}-${attrs.version}";
        outputs = attrs.outputs or [ "out" ];
        builder = "/bin/sh";
        args = [ "-eu" ./builder.sh ];
      };
    in
    derivation derivationAttrs // passthru // {
      inherit passthru;
      meta = { platforms = [ "x86_64-linux" "aarch64-linux" ]; } // attrs.meta or { };
      tests = passthru.tests or { };
      overrideAttrs = change: mkDerivation (attrs // change attrs);
    };

  # A derivation that no plain builder takes; its output is the same on every GPU, the findings are in its log.
  mkGpuCheck = { name, command, meta ? { } }: mkDerivation {
    inherit name;
    meta = { license = licenses.mit; } // meta;
    requiredSystemFeatures = [ "cuda" ];
    buildPhase = command;
    installPhase = ''
      echo passed > $out
    '';
  };

  # As Nixpkgs: RUNPATH with the driver's folder first, which is no store path and so no reference.
  linkFlags = libraries:
    "-Wl,--enable-new-dtags,-rpath,/run/opengl-driver/lib"
    + builtins.concatStringsSep "" (map (library: " -L${library}/lib -Wl,-rpath,${library}/lib") libraries);

  # Flags for nvcc: code for each capability, and PTX of the newest with forward compatibility (Nixpkgs' `flags.gencode`).
  gencodeFlags = { cudaCapabilities, cudaForwardCompat }:
    let
      jetson = filter (capability: elem capability jetsonCapabilities) cudaCapabilities;
      sorted = sort (a: b: compareVersions a b < 0) cudaCapabilities;
      newest = elemAt sorted (length sorted - 1);
      number = replaceStrings [ "." ] [ "" ];
      flag = kind: capability: "-gencode=arch=compute_${number capability},code=${kind}_${number capability}";
      malformed = filter (capability: match "[1-9][0-9]?\\.[0-9][af]?" capability == null) cudaCapabilities;
    in
    if malformed != [ ] then
      throw "\"${head malformed}\" is no CUDA capability: expected the form \"8.9\""
    else if jetson != [ ] && length jetson != length cudaCapabilities then
      throw "Jetson devices cannot be targeted with non-Jetson devices: ${toString cudaCapabilities}"
    else
      map (flag "sm") sorted ++ (if cudaForwardCompat then [ (flag "compute" newest) ] else [ ]);
}
