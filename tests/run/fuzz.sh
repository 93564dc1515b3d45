#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lets libFuzzer search in every target of tests/fuzz for FUZZ_SECONDS each (default 8), with ASan and UBSan; the corpus comes first.
# What it finds lies in build-fuzz/found/TARGET/: mend the cause, and put the file into tests/fuzz/corpus/TARGET.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
seconds=${FUZZ_SECONDS:-8} failed=0
[ -f build-fuzz/build.ninja ] || CC=clang meson setup build-fuzz -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link
targets=$(ninja -C build-fuzz -t targets all | sed -n 's/^\(tests\/fuzz\/fuzz-[a-z-]*\): .*/\1/p')
[ -n "$targets" ] # no target is no success
# shellcheck disable=SC2086
ninja -C build-fuzz --quiet $targets
export ASAN_OPTIONS=detect_leaks=1:fast_unwind_on_malloc=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export LSAN_OPTIONS=suppressions=$PWD/tests/run/lsan.supp:print_suppressions=0
for target in $targets; do
  name=${target##*/fuzz-}
  seeds=("tests/fuzz/corpus/$name")
  [ "$name" != sdp-rewrite ] || seeds+=(tests/relay/fixtures)
  mkdir -p "build-fuzz/grown/$name" "build-fuzz/found/$name"
  echo "== $name"
  timeout --kill-after=15 $((seconds + 60)) "build-fuzz/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=16384 \
    -print_final_stats=1 -verbosity=0 -artifact_prefix="build-fuzz/found/$name/" "build-fuzz/grown/$name" "${seeds[@]}" ||
    { echo "fuzz-$name failed" && failed=1; }
done
exit $failed
