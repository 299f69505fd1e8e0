#!/usr/bin/env bash
# Runs Nix's own functional tests for binary caches with `nixwarp cache serve` in the place of file:// caches.
#
#   nix-functional.sh TESTS SCRIPT...    TESTS: the folder tests/ of Nix 2.8's source (LGPL-2.1, not part of this repository)
#
# Only URLs are changed, and `nix store verify --all` is left out, which no client can ask of an HTTP cache. Scripts that change
# narinfos behind the client's back, without clearing what it remembers of HTTP caches, need NO_MEMORY=1:
# substitute-with-invalid-ca.sh, binary-cache-build-remote.sh, ca/nix-copy.sh, ca/signatures.sh.
set -u
tests=$(realpath "$1"); shift
project=$(realpath "$(dirname "$0")/../..")
work=$(mktemp -d); pids=
trap 'kill $pids 2>/dev/null; chmod -R u+w "$work"; rm -rf "$work"' EXIT
cp -r "$tests" "$work/tests"; cd "$work/tests" || exit 1
bash_path=$(command -v bash); version=$(nix --version | sed 's/.* //')
for template in common.sh config.nix ca/config.nix; do
  [ -e $template.in ] && sed -e "s|@bindir@|$(dirname "$(command -v nix)")|; s|@coreutils@|/usr/bin:/bin|; s|@bash@|$bash_path|" \
    -e "s|@dot@||; s|@sandbox_shell@||; s|@PACKAGE_VERSION@|$version|; s|@system@|$(uname -m)-linux|" $template.in >$template
done
export TMPDIR=$work/tmp; mkdir -p "$TMPDIR/nix-test"
unset NIX_STORE NIX_REMOTE_ XDG_CACHE_HOME

# serve FOLDER: prints the URL.
serve() {
  rm -f "$root.url"
  node "$project/cli/main.ts" cache serve --dir "$1" --writable --unverified --store-dir "$root/store" \
    --listen 127.0.0.1:0 >"$root.url" 2>"$root.errors" &
  pids="$pids $!"
  until grep -qs http "$root.url"; do kill -0 $! || exit 1; sleep 0.05; done
  url=$(grep -o 'http://.*' "$root.url")
  # Scripts expect that there is no such folder yet.
  rm -rf "$1"
}

failed=0
for script; do
  export TEST_NAME=${script//\//-}; TEST_NAME=${TEST_NAME%.sh}
  root=$TMPDIR/nix-test/$TEST_NAME; log=$work/$TEST_NAME.log
  bash ./init.sh >"$log" 2>&1
  [ -n "${NO_MEMORY-}" ] && printf 'narinfo-cache-positive-ttl = 0\nnarinfo-cache-negative-ttl = 0\n' >>"$root/etc/nix.conf"
  edits=(-e '/nix store verify .*--all --store/d')
  for folder in binary-cache-2:cacheDir2 binary-cache:cacheDir binary_cache:REMOTE_STORE_DIR remote_store:REMOTE_STORE_DIR; do
    name=${folder%:*}; variable=${folder#*:}
    [ "$variable" = REMOTE_STORE_DIR ] && ! grep -q "$name" "$script" && continue
    serve "$root/$name"
    edits+=(-e "s|file://\"\\\$$variable\"|$url|g; s|file://\\\$$variable|$url|g")
  done
  sed "${edits[@]}" "$script" >"$(dirname "$script")/http.$(basename "$script")"
  if (cd "$(dirname "$script")" && timeout 300 bash -e "http.$(basename "$script")") >>"$log" 2>&1; then echo "passed  $script"
  else echo "FAILED  $script"; tail -20 "$log"; failed=1; fi
  kill $pids; pids=
done
exit $failed
