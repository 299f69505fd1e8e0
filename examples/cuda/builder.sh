# The builder of every derivation here, a stdenv in twenty lines: unpacks `srcs`, then runs the phases that are set.
# PATH is the host's: gcc, python3 and coreutils are not in the store, so this example builds outside Nix's sandbox only.
export PATH=/usr/local/bin:/usr/bin:/bin
export HOME="$NIX_BUILD_TOP" LC_ALL=C

# Prints a command before it runs, so that a log tells how to repeat it.
run() {
  echo "+ $*" >&2
  "$@"
}

for src in ${srcs-}; do
  base=${src##*/}
  cp "$src" "./${base#*-}"
done

for phase in buildPhase checkPhase installPhase; do
  eval "text=\${$phase-}"
  [ -n "$text" ] || continue
  if [ "$phase" = checkPhase ] && [ -z "${doCheck-}" ]; then continue; fi
  echo "Running phase: $phase"
  eval "$text"
done
