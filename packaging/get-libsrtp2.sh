#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Puts Debian's libsrtp2 source package into subprojects/libsrtp2, for a build with its OpenSSL backend (docs: DESIGN.md, Transport).
# Needs no root and changes nothing outside this directory: a private deb-src list, made from the package sources this machine already uses.
# Does nothing when it is there. Says nothing unless it fails.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
goal=$root/subprojects/libsrtp2
[ ! -f "$goal/meson.build" ] || exit 0

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
mkdir -p "$work/parts" "$work/lists/partial" "$work/cache/archives/partial" "$work/source"
chmod 755 "$work"

# One-line lists: every "deb" becomes "deb-src". Deb822 files: Types becomes deb-src.
n=0
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  [ -f "$file" ] || continue
  n=$((n + 1))
  sed -n 's/^[[:space:]]*deb[[:space:]]/deb-src /p' "$file" >"$work/parts/$n.list"
done
for file in /etc/apt/sources.list.d/*.sources; do
  [ -f "$file" ] || continue
  n=$((n + 1))
  sed 's/^[Tt]ypes:.*/Types: deb-src/' "$file" >"$work/parts/$n.sources"
done

apt() {
  apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$work/parts" -o Dir::State::Lists="$work/lists" \
    -o Dir::Cache="$work/cache" -o Dir::State::status=/var/lib/dpkg/status -o APT::Sandbox::User="$(id -un)" "$@"
}

log=$work/log
if ! { apt update && cd "$work/source" && apt source --download-only libsrtp2; } >"$log" 2>&1; then
  cat "$log" >&2
  echo "get-libsrtp2: could not fetch the source package libsrtp2; the build will use the system's library, which is slower" >&2
  exit 1
fi
# Unpacked by tar and patch alone: dpkg-dev need not be installed.
mkdir "$work/tree"
tar -xf "$work"/source/libsrtp2_*.orig.tar.* -C "$work/tree" --strip-components=1
tar -xf "$work"/source/libsrtp2_*.debian.tar.* -C "$work/tree"
if [ -f "$work/tree/debian/patches/series" ]; then
  while read -r patch rest; do
    case $patch in '' | '#'*) continue ;; esac
    if ! patch -s -d "$work/tree" -p1 <"$work/tree/debian/patches/$patch" >"$log" 2>&1; then
      cat "$log" >&2
      echo "get-libsrtp2: $patch does not apply" >&2
      exit 1
    fi
  done <"$work/tree/debian/patches/series"
fi
mkdir -p "$root/subprojects"
rm -rf "$goal"
mv "$work/tree" "$goal"
