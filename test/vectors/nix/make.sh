#!/bin/sh
# Makes the golden vectors of this folder anew with both real versions of Nix (needs root, Nix 2.8 on PATH, nix-current).
#
#   test/vectors/nix/make.sh /path/to/nix-current
#
# Every file's command is recorded in commands.txt beside it. The signing key is for these vectors only.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
current=${1:?usage: make.sh /path/to/nix-current}
work=$(mktemp -d /tmp/nixwarp-vectors.XXXXXX)
trap 'rm -rf "$work"' EXIT
export NIX_CURRENT_BIND=$here:$work
cd "$here"

# record FILE COMMAND: writes what the shell command prints into FILE of the version at hand, and notes the command.
record() {
  printf '%s\t%s\n' "$1" "$2" | sed "s#$work#\$work#g" >>"$version/commands.txt"
  mkdir -p "$(dirname "$version/$1")"
  eval "$2" >"$version/$1"
}

# Files whose names sort differently by bytes, by UTF-16 and by locale; sizes around the padding; nothing, executables, links.
make_tree() {
  mkdir -p "$work/tree/empty" "$work/tree/nested/deeper/deepest" "$work/tree/a"
  cd "$work/tree"
  : >nothing
  printf 1234567 >seven; printf 12345678 >eight; printf 123456789 >nine
  printf '#!/bin/sh\necho hi\n' >run; chmod 755 run
  printf A >A; printf dot >a.b; printf dash >a-b; printf in >a/b
  printf wide >'｡'; printf emoji >'😀'; printf raw >"$(printf 'latin-\351')"
  head -c 5000 /dev/zero | tr '\0' z >nested/deeper/deepest/zeros
  ln -s ../seven nested/link; ln -s /nix/store/absent absolute; ln -s "$(printf 'bytes-\377')" raw-link
  cd "$here"
}

make_derivations() {
  rm -rf "$version/drv"
  for drv in $($run nix-instantiate "$here/cases.nix" "$@" 2>/dev/null); do
    record "drv/$(basename "$drv")" "$run cat '$drv'"
  done
  if [ "$version" = 2.8 ]; then
    record derivations.json "nix show-derivation -f $here/cases.nix deferred deferredFurther dependent escapes failing fixedFlat fixedMd5 fixedSha1 fixedSha512 fixedSri floating floatingMulti gpuCheck impure multi overFixed plain structured"
    return
  fi
  for drv in $($run nix-instantiate "$here/cases-current.nix" 2>/dev/null); do
    record "drv-current/$(basename "$drv")" "$run cat '$drv'"
  done
  all=$($run nix-instantiate "$here/cases.nix" 2>/dev/null | sed "s/.*/'&'/" | tr '\n' ' ')
  record derivations.json "$run nix derivation show $all"
  record derivations-current.json "$run nix derivation show -f $here/cases-current.nix fixedText floatingText"
}

make_store_paths() {
  record fixed-paths.txt "for a in md5 sha1 sha256 sha512; do for r in '' --recursive; do echo \"\$a \${r#--} \$($run nix-store \$r --add-fixed \$a $here/cases-current.nix)\"; done; done"
  record nar/cases-current.nix.nar "$run nix-store --dump $here/cases-current.nix"
  record text-paths.txt "$run nix-instantiate --eval --strict --json -E 'with import $here/cases.nix; [ \"\${file}\" \"\${fileWithReference}\" ]'"
  record hashes.txt "for a in md5 sha1 sha256 sha512; do for b in base16 base32 base64 sri; do echo \"\$a \$b \$($run nix hash file --type \$a --\$b $here/cases-current.nix 2>/dev/null)\"; done; done"
}

make_outputs() {
  cp key.secret "$work/key.secret"
  $run nix-store -r $($run nix-instantiate "$here/cases.nix" -A dependent 2>/dev/null) >/dev/null 2>&1
  $run nix build --no-link -f "$here/cases.nix" floating floatingMulti 2>/dev/null
  dependent=$($run nix-store -q --outputs "$($run nix-instantiate "$here/cases.nix" -A dependent 2>/dev/null)")
  $run nix store sign --recursive --key-file "$work/key.secret" "$dependent" 2>/dev/null
  content_addressed=$($run nix store make-content-addressed --json "$dependent" 2>/dev/null | tr -d ' \n' | grep -o '/nix/store/[^"]*' | tr '\n' ' ')
  closure=$(printf '%s\n' $dependent $content_addressed | sort -u | tr '\n' ' ')
  format=; [ "$version" = 2.8 ] || format='--json-format 1'
  record path-info.json "$run nix path-info --json $format \$($run nix-store -qR $closure) /nix/store/00000000000000000000000000000000-missing 2>/dev/null"
  [ "$version" = 2.8 ] ||
    record path-info-2.json "$run nix path-info --json --json-format 2 \$($run nix-store -qR $closure) /nix/store/00000000000000000000000000000000-missing 2>/dev/null"
  record registration.txt "$run nix-store --dump-db \$($run nix-store -qR $closure)"
  record realisation.json "$run nix realisation info --json -f $here/cases.nix floating floatingMulti 2>/dev/null; echo"
  for name in out dev man; do
    path=$($run nix-build --no-out-link "$here/cases.nix" -A multi.$name 2>/dev/null)
    record "nar/$(basename "$path").nar" "$run nix-store --dump $path"
  done
}

make_cache() {
  rm -rf "$work/cache"; mkdir "$work/cache"
  url="file://$work/cache?secret-key=$work/key.secret&compression=xz&write-nar-listing=true"
  $run nix copy --to "$url" $closure 2>/dev/null
  record nix-cache-info "cat $work/cache/nix-cache-info # after: nix copy --to '$url' $closure"
  for narinfo in "$work"/cache/*.narinfo; do record "cache/$(basename "$narinfo")" "cat $narinfo"; done
  record secret-key.txt "$run nix-store --generate-binary-cache-key vector-key-1 $work/secret $work/public && cat $work/secret"
  record public-key.txt "cat $work/public"
}

make_logs() {
  $run nix-store --delete "$($run nix-store -q --outputs "$($run nix-instantiate "$here/cases.nix" -A escapes 2>/dev/null)")" >/dev/null 2>&1 || true
  record log-success.txt "$run nix build --no-link -L --log-format internal-json -f $here/cases.nix escapes 2>&1"
  record log-failure.txt "$run nix build --no-link -L --log-format internal-json -f $here/cases.nix failing 2>&1 || true"
}

for version in 2.8 2.34; do
  run=; [ "$version" = 2.8 ] || run=$current
  features='nix-command flakes ca-derivations impure-derivations'; [ "$version" = 2.8 ] || features="$features dynamic-derivations"
  export NIX_CONFIG="substituters =
experimental-features = $features"
  mkdir -p "$version"; : >"$version/commands.txt"
  rm -rf "$version/cache" "$version/nar" "$version/drv" "$version/drv-current"
  [ -d "$work/tree" ] || make_tree
  record version.txt "$run nix --version"
  make_derivations
  make_store_paths
  record nar/tree.nar "$run nix-store --dump $work/tree"
  record attribute-names.txt "$run nix-instantiate --eval --strict $here/attribute-names.nix"
  make_outputs
  make_cache
  make_logs
  sed -i "s#$current#nix-current#g; s#$work#\$work#g; s#$here/##g; s#\t #\t#; s#( nix#(nix#g" "$version/commands.txt"
done
