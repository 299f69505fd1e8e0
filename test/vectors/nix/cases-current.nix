# Derivations that only a current Nix can write (experimental feature `dynamic-derivations`).
let
  writesDerivation = derivation {
    name = "inner.drv";
    system = "x86_64-linux";
    builder = "/bin/sh";
    args = [ "-c" "exit 1" ];
    __contentAddressed = true;
    outputHashMode = "text";
    outputHashAlgo = "sha256";
  };
in
{
  floatingText = writesDerivation;
  fixedText = derivation {
    name = "fixed-text";
    system = "x86_64-linux";
    builder = "/bin/sh";
    args = [ "-c" ": > $out" ];
    outputHashMode = "text";
    outputHashAlgo = "sha256";
    outputHash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
  };
  dynamic = derivation {
    name = "dynamic";
    system = "x86_64-linux";
    builder = "/bin/sh";
    args = [ "-c" "echo ${builtins.outputOf writesDerivation.outPath "out"} > $out" ];
  };
}
