#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a command in a network namespace of its own: loopback, and one address that is not loopback with a default route, because Firefox
# gathers no loopback candidate. Nothing in it reaches further than this machine.
set -eu
if [ "${RECGATE_OWN_NETWORK:-}" != yes ]; then
  root=$([ "$(id -u)" = 0 ] || echo --map-root-user)
  RECGATE_OWN_NETWORK=yes exec unshare --net $root "$0" "$@"
fi
ip link set lo up
ip link add recgate0 type veth peer name recgate1
ip addr add 10.77.0.1/24 dev recgate0
# No link-local address: it would come a second later, and a browser drops what it is loading when an address does.
ip link set recgate0 addrgenmode none
ip link set recgate1 addrgenmode none
ip link set recgate0 up
ip link set recgate1 up
ip route add default via 10.77.0.2
exec "$@"
