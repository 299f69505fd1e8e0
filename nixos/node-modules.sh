#!/bin/sh
# Installs the npm packages that nixwarp needs at run time for one system: node-modules.sh SYSTEM, in a folder with
# package.json and package-lock.json. What remains depends on these two files only: neither on the version of npm nor on
# the machine. node-modules.nix runs it in a fixed-output derivation, update-node-modules.sh to learn that one's hash.
set -eu

case $1 in
  x86_64-linux) cpu=x64 triple=x86_64-unknown-linux-gnu ;;
  aarch64-linux) cpu=arm64 triple=aarch64-unknown-linux-gnu ;;
  *) echo "node-modules.sh: nixwarp runs on x86_64-linux and aarch64-linux, not on $1" >&2; exit 1 ;;
esac

# `npm ci` refuses our lock file, which has no entries for optional packages of platforms that we do not support.
# Every package that is installed is in it, with the hash of its contents.
npm install --no-save --omit=dev --ignore-scripts --os=linux --cpu="$cpu" --libc=glibc \
  --no-audit --no-fund --no-update-notifier --loglevel=error

cd node_modules
# npm's own notes and links differ between its versions. NixOS has a Postgres of its own.
rm -rf .package-lock.json .bin @embedded-postgres
for release in @temporalio/core-bridge/releases/*; do
  [ "${release##*/}" = "$triple" ] || rm -rf "$release"
done
