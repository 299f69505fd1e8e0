#!/bin/sh
# Writes nixos/node-modules.json for the package-lock.json of this checkout. Needs npm and nix; downloads about 100 MB.
set -eu

nixos=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

hash_of() {
  mkdir "$work/$1"
  cp "$nixos/../package.json" "$nixos/../package-lock.json" "$work/$1"
  (cd "$work/$1" && npm_config_cache="$work/cache" sh "$nixos/node-modules.sh" "$1" >&2)
  nix --extra-experimental-features nix-command hash path "$work/$1/node_modules"
}

lock=$(sha256sum <"$nixos/../package-lock.json" | cut -d ' ' -f 1)
x86_64=$(hash_of x86_64-linux)
aarch64=$(hash_of aarch64-linux)
cat >"$work/node-modules.json" <<JSON
{
  "lock": "$lock",
  "x86_64-linux": "$x86_64",
  "aarch64-linux": "$aarch64"
}
JSON
mv "$work/node-modules.json" "$nixos/node-modules.json"
