#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Lets libFuzzer search in every target of tests/fuzz for FUZZ_SECONDS each (default 8), with ASan and UBSan; the corpus comes first.
# What it finds lies in build-fuzz/found/TARGET/: mend the cause, and put the file into tests/fuzz/corpus/TARGET.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
seconds=${FUZZ_SECONDS:-8} failed=()
[ -f build-fuzz/build.ninja ] || CC=clang meson setup build-fuzz -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link
targets=$(ninja -C build-fuzz -t targets all | sed -n 's/^\(tests\/fuzz\/fuzz-[a-z-]*\): .*/\1/p')
[ -n "$targets" ] # no target is no success
# shellcheck disable=SC2086
ninja -C build-fuzz --quiet $targets
# Why the unwinder, and so few frames: suites.sh, suite_asan.
export ASAN_OPTIONS=detect_leaks=1:fast_unwind_on_malloc=0:malloc_context_size=16 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export LSAN_OPTIONS=suppressions=$PWD/tests/run/lsan.supp:print_suppressions=0

# search TARGET: leaves found/NAME.log and found/NAME.status.
search() {
  local name=${1##*/fuzz-} status=0 seeds
  seeds=("tests/fuzz/corpus/$name")
  [ "$name" != sdp-rewrite ] || seeds+=(tests/relay/fixtures)
  mkdir -p "build-fuzz/grown/$name" "build-fuzz/found/$name"
  timeout --kill-after=15 $((seconds + 60)) "build-fuzz/$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=16384 \
    -print_final_stats=1 -verbosity=0 -artifact_prefix="build-fuzz/found/$name/" "build-fuzz/grown/$name" "${seeds[@]}" \
    >"build-fuzz/found/$name.log" 2>&1 || status=$?
  echo $status >"build-fuzz/found/$name.status"
}
mkdir -p build-fuzz/found
rm -f build-fuzz/found/*.status
for target in $targets; do
  while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n; done
  search "$target" &
done
wait
for target in $targets; do
  name=${target##*/fuzz-}
  if [ "$(cat "build-fuzz/found/$name.status")" = 0 ]; then
    echo "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "build-fuzz/found/$name.log") inputs, nothing found"
  else
    failed+=("$name")
  fi
done
# What failed comes last, where a reader of the end sees it: without the frames of libraries, and the input itself, which a CI keeps nowhere else.
for name in ${failed[@]+"${failed[@]}"}; do
  echo "$name failed (whole: build-fuzz/found/$name.log):"
  grep -a -m 1 -B 2 -A 200 ERROR "build-fuzz/found/$name.log" | grep -vE '^ +#[0-9]+ .*/lib[^ ]*\.so' | cut -c1-200 | awk 'NR <= 40' || tail -n 40 "build-fuzz/found/$name.log"
  for input in "build-fuzz/found/$name"/*; do
    [ ! -f "$input" ] || { echo "$input, gzip and base64:" && gzip -9 <"$input" | base64 -w 160; }
  done
done
[ ${#failed[@]} = 0 ]
