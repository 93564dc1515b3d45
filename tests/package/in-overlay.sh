#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a command as root in a copy of this machine that is gone afterwards: the root file system under a layer in memory, /run, /tmp and the
# network empty, processes ended with it. What it installs or starts is not on the machine. The repository is the real one. Status 77: not here.
set -eu
repository=$(cd "$(dirname "$0")/../.." && pwd)
case ${RECGATE_OVERLAY:-} in
'')
  [ "$(id -u)" = 0 ] || exit 77
  RECGATE_OVERLAY=outside exec unshare --mount --net --pid --ipc --fork --kill-child "$0" "$@"
  ;;
outside)
  mount --make-rprivate /
  mount -t tmpfs -o mode=755 overlay /mnt
  mkdir /mnt/upper /mnt/work /mnt/root
  mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/root || exit 77
  cd /mnt/root
  mount -t proc proc proc
  mount --rbind /dev dev
  for empty in run tmp; do mount -t tmpfs -o mode=1777 empty $empty; done
  mkdir -p ".$repository"
  mount --bind "$repository" ".$repository"
  ip link set lo up
  RECGATE_OVERLAY=inside exec chroot . "$repository/tests/package/in-overlay.sh" "$@"
  ;;
inside)
  cd "$repository"
  exec "$@"
  ;;
esac
