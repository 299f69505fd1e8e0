#!/bin/sh
# Becomes a systemd that can touch nothing of this machine: boot.sh FOLDER, as process 1 of namespaces of its own
# (unshare --pid --mount --cgroup --net --ipc --uts). It writes to file systems in memory and to FOLDER/srv, which it sees as
# /srv; it loads no unit but FOLDER/units, so nothing of the distribution (udev, tmpfiles, sysctl) is ever started.
set -eu

folder=$1
ip link set lo up
mount --bind "$folder/srv" /srv
for path in /run /var/lib /nix; do mount -t tmpfs tmpfs "$path"; done
mkdir -p /run/units /nix/store
chmod 755 /run
cp "$folder"/units/* /run/units/
mount --bind "$folder/passwd" /etc/passwd
mount --bind "$folder/group" /etc/group
# Last, since the folder is below it.
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=1777 tmpfs /var/tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount --bind /proc/sys /proc/sys
for path in /proc/sys /sys /; do mount -o remount,bind,ro "$path"; done
# Credentials reach a service by a mount that propagates, as systemd has it everywhere but in containers.
mount --make-rshared /

export container=unshare SYSTEMD_UNIT_PATH=/run/units SYSTEMD_GENERATOR_PATH=/run/none SYSTEMD_ENVIRONMENT_GENERATOR_PATH=/run/none
exec /lib/systemd/systemd --system --unit=nixwarp-test.target --log-target=console --log-level=info --show-status=false
