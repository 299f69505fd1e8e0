# The derivations the vectors are made of: one attribute for each kind of output, input and environment.
let
  shell = attrs: derivation ({
    system = "x86_64-linux";
    builder = "/bin/sh";
    args = [ "-c" "echo ${attrs.name} > $out" ];
  } // attrs);
  empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
in
rec {
  plain = shell { name = "plain"; };

  # Every escape of the ATerm form, and text that is not ASCII.
  escapes = shell {
    name = "escapes";
    args = [ "-c" "printf 'a\\tb\\n\"c\"' > $out" "" ];
    text = "tab\there\nnew line\rreturn \"quoted\" back\\slash \\n \${dollar} é ∀ 😀";
    empty = "";
    # Sorted by bytes U+FF61 comes before U+1F600; sorted by UTF-16 it comes after.
    "key｡" = "halfwidth";
    "key😀" = "emoji";
  };

  multi = shell {
    name = "multi";
    outputs = [ "out" "dev" "man" ];
    args = [ "-c" "echo self $out > $out; echo $out > $dev; echo $dev ${plain} > $man" ];
  };

  file = builtins.toFile "settings.ini" "key = value\n";
  fileWithReference = builtins.toFile "with-reference.txt" "see ${file}\n";

  dependent = shell {
    name = "dependent-1.0+b_2.3?x=y";
    args = [ "-c" "echo ${multi.dev} ${multi.man} ${plain} ${fixedFlat} ${fileWithReference} > $out" ];
    source = ./cases.nix;
  };

  # `recursive` hash mode is what Nix calls `nar` today.
  fixedFlat = shell { name = "fixed-flat"; args = [ "-c" ": > $out" ]; outputHashMode = "flat"; outputHashAlgo = "sha256"; outputHash = empty; };
  fixedMd5 = shell { name = "fixed-md5"; outputHashMode = "flat"; outputHashAlgo = "md5"; outputHash = "d41d8cd98f00b204e9800998ecf8427e"; };
  fixedSha1 = shell { name = "fixed-sha1"; outputHashMode = "recursive"; outputHashAlgo = "sha1"; outputHash = "da39a3ee5e6b4b0d3255bfef95601890afd80709"; };
  fixedSri = shell { name = "fixed-sri"; outputHashMode = "recursive"; outputHashAlgo = null; outputHash = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="; };
  fixedSha512 = shell {
    name = "fixed-sha512";
    outputHashMode = "flat";
    outputHashAlgo = "sha512";
    outputHash = "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e";
    impureEnvVars = [ "http_proxy" ];
  };
  overFixed = shell { name = "over-fixed"; args = [ "-c" "echo ${fixedFlat} ${fixedMd5} ${fixedSri} > $out" ]; };

  gpuCheck = shell { name = "gpu-check"; requiredSystemFeatures = [ "cuda" "big-parallel" ]; };
  structured = shell {
    name = "structured";
    __structuredAttrs = true;
    outputs = [ "out" "lib" ];
    args = [ "-c" "echo hi > $out" ];
    requiredSystemFeatures = [ "cuda" "kvm" ];
    whole = 1.0;
    tenth = 0.1;
    big = 9007199254740993;
    text = "é ∀ 😀\n\"\\/ tab\t";
    nothing = null;
    nested = { b = 1; a = [ true false { } ]; "😀" = 1; "｡" = 2; };
    dependency = plain;
  };

  floating = shell { name = "floating"; __contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256"; };
  floatingMulti = shell {
    name = "floating-multi";
    __contentAddressed = true;
    outputHashMode = "recursive";
    outputHashAlgo = "sha256";
    outputs = [ "out" "dev" ];
    args = [ "-c" "echo ${plain} > $out; echo $out > $dev" ];
  };
  deferred = shell { name = "deferred"; args = [ "-c" "echo ${floating} > $out" ]; };
  deferredFurther = shell { name = "deferred-further"; args = [ "-c" "echo ${deferred} > $out" ]; };
  impure = shell { name = "impure"; __impure = true; outputHashMode = "recursive"; outputHashAlgo = "sha256"; };

  failing = shell { name = "failing"; args = [ "-c" "echo one; echo two >&2; exit 3" ]; };
}
