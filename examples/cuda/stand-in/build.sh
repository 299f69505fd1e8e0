#!/bin/sh
# Builds the stand-in for one GPU into a folder that a builder shows to its builds as /run/opengl-driver.
#
#   build.sh OUTDIR COMPUTE_CAP        e.g. build.sh /tmp/stand-in-sm_89 8.9
#
# Makes OUTDIR/lib/libcuda.so.1, OUTDIR/bin/nvidia-smi and OUTDIR/stand-in-gpu. Needs a C compiler ($CC, default cc; $CFLAGS).
# To use it: unshare --mount --propagation private sh -c 'mount --bind OUTDIR /run/opengl-driver && exec COMMAND'
set -eu

out=${1:?usage: build.sh OUTDIR COMPUTE_CAP} cap=${2:?usage: build.sh OUTDIR COMPUTE_CAP}
case $cap in
  [1-9].[0-9] | [1-9][0-9].[0-9]) ;;
  *) echo "build.sh: compute capability \"$cap\" is not of the form 8.9" >&2 && exit 2 ;;
esac
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out/lib" "$out/bin"
out=$(cd "$out" && pwd)

"${CC:-cc}" -std=c11 -O2 -Wall -Wextra -fPIC -fvisibility=hidden ${CFLAGS-} -shared -Wl,-soname,libcuda.so.1 \
  -o "$out/lib/libcuda.so.1" "$here/libcuda.c" "$here/images.c" "$here/twins.c"
cp "$here/nvidia-smi" "$out/bin/nvidia-smi"
chmod 755 "$out/bin/nvidia-smi"

sm=sm_$(echo "$cap" | tr -d .)
# Of the folder's name, so that two stand-ins of one architecture differ; a driver version that no driver has.
number=$(printf %s "$out" | cksum | cut -d ' ' -f 1)
cat >"$out/stand-in-gpu" <<GPU
name=Stand-in ($sm)
uuid=GPU-STAND-IN-$sm-$number
compute_cap=$cap
driver=999.99
cuda=13.5
memory_mib=1024
GPU
