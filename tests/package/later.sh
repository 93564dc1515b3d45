#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# later.sh DIR: puts a copy of the package in DIR beside it, whose version is higher.
set -eu
cd "$1"
package=$(ls recgate_*.deb)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
dpkg-deb -R "$package" "$tree/all"
sed -i 's/^Version: .*/&+later/' "$tree/all/DEBIAN/control"
dpkg-deb --root-owner-group -b "$tree/all" "${package%%_*}_$(sed -n 's/^Version: //p' "$tree/all/DEBIAN/control")_${package##*_}" >/dev/null
