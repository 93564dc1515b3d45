# SPDX-License-Identifier: Apache-2.0
# The test suites, for `./dev test`: each is a function suite_NAME that runs under a bound and leaves its result in build/test-results.
# shellcheck shell=bash

SUITES_DAILY='lint unit integration browser'
SUITES_ALL='lint unit integration browser sfu package toggles screens pages browsers netns kill withdraw long mutation asan tsan fuzz soak group'

suites_expand() {
  local name
  [ $# -gt 0 ] || set -- $SUITES_DAILY
  for name in "$@"; do
    case $name in
      all) printf '%s\n' $SUITES_ALL ;;
      *) printf '%s\n' "$name" ;;
    esac
  done
}

suites_check() {
  local name
  for name in $(suites_expand "$@"); do
    declare -F "suite_${name//-/_}" >/dev/null || die "no suite is called $name (there are: $SUITES_ALL, all)"
  done
}

# bounded NAME SECONDS COMMAND…: leaves NAME.log and NAME.status; what writes junit puts it into NAME.xml. Never fails: tally.py judges.
bounded() {
  local name=$1 seconds=$2 at=build/test-results status=0
  shift 2
  timeout --kill-after=15 "$seconds" "$@" >"$at/$name.log" 2>&1 </dev/null || status=$?
  [ "$status" != 124 ] || echo "stopped after $seconds s, the bound of $name" >>"$at/$name.log"
  echo "$status" >"$at/$name.status"
}

# skipped NAME WHY: shown and counted as skipped.
skipped() {
  echo "$2" >"build/test-results/$1.log"
  echo 77 >"build/test-results/$1.status"
}

# meson_suite NAME SECONDS BUILD-DIR SUITE [OPTION…]
meson_suite() {
  bounded "$1" "$2" meson test -C "$3" --no-rebuild --print-errorlogs --logbase "$1" --suite "$4" "${@:5}"
  cp "$3/meson-logs/$1.junit.xml" "build/test-results/$1.xml" 2>/dev/null || true
  cp "$3/meson-logs/$1.json" "build/test-results/$1.json" 2>/dev/null || true
}

# node_suite NAME SECONDS FILE…: one file after the other, because browsers need both cores, or AT_ONCE at a time.
node_suite() {
  local name=$1 seconds=$2
  shift 2
  bounded "$name" "$seconds" ${IN_NETWORK:-} node --test --test-concurrency="${AT_ONCE:-1}" \
    --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter=junit --test-reporter-destination="build/test-results/$name.xml" "$@"
}

suite_lint() {
  bounded lint-test 60 python3 tests/lint/test-lint.py
  bounded lint 60 python3 tests/lint/lint.py
  bounded format 60 sh -c "git ls-files '*.c' | xargs --no-run-if-empty clang-format --dry-run --Werror"
}

suite_unit() {
  meson_suite unit 150 build unit
  node_suite unit-page 60 tests/browser/page/*.test.mjs
  node_suite unit-ledger 60 tests/ledger/*.test.mjs
}

suite_integration() {
  AT_ONCE=2 node_suite integration 150 tests/integration/*.test.mjs # they wait more than they work
}

# The Debian package, installed, used and removed in a copy of the machine (tests/package/in-overlay.sh). "Later" is the same with another version.
suite_package() {
  local at=build/package/test
  bounded package-build 400 sh -c "./dev package && rm -rf $at && mkdir $at && cp build/package/recgate_*.deb $at && tests/package/later.sh $at"
  if ! tests/package/in-overlay.sh true 2>/dev/null; then
    skipped package 'a copy of the machine needs root and overlayfs'
    return
  fi
  RECGATE_BUILD=/usr/bin RECGATE_PACKAGES=$PWD/$at IN_NETWORK=tests/package/in-overlay.sh node_suite package 150 tests/package/package.test.mjs
}

# Browsers live in a network of their own (own-network.sh).
suite_browser() {
  IN_NETWORK=tests/run/own-network.sh RECGATE_BROWSERS=chromium-firefox node_suite browser 300 tests/browser/{call,presence,withdraw}.test.mjs
}

# Behind the gate a real Janus, a second gate, or coturn before that; before it janus.js in both browsers; all of it in a network of its own.
suite_sfu() {
  local -x IN_NETWORK=tests/run/own-network.sh
  RECGATE_BROWSERS=chromium-firefox node_suite sfu 420 tests/sfu/*.test.mjs
  RECGATE_BROWSERS=firefox-chromium node_suite sfu-reversed 200 tests/sfu/{echo,four}.test.mjs
}

# Camera off and microphone muted for 10 s each: all waiting, so not daily.
suite_toggles() {
  IN_NETWORK=tests/run/own-network.sh RECGATE_LONG=1 RECGATE_BROWSERS=chromium-firefox node_suite toggles 180 tests/browser/toggles.test.mjs
}

# Every state of the pages, photographed, checked for accessibility; each side of a call in each browser, and in each language.
suite_screens() {
  local -x IN_NETWORK=tests/run/own-network.sh RECGATE_LONG=1
  RECGATE_BROWSERS=chromium-firefox node_suite screens 400 tests/browser/screens.test.mjs tests/browser/long/screens.mjs
  RECGATE_BROWSERS=firefox-chromium node_suite screens-reversed 400 tests/browser/screens.test.mjs tests/browser/long/screens.mjs
  RECGATE_LANGUAGE=es RECGATE_BROWSERS=chromium-firefox node_suite screens-spanish 400 tests/browser/screens.test.mjs tests/browser/long/screens.mjs
}

# The pages beside the call: the auditor's, the letter's, the receipts', reports; and that the log verifies in a browser.
suite_pages() {
  local -x IN_NETWORK=tests/run/own-network.sh RECGATE_LONG=1
  RECGATE_BROWSERS=chromium-firefox node_suite pages 600 tests/browser/{audit,ahead,codecs,receipts,reports,kept,language,proof,verify,whole}.test.mjs
  RECGATE_BROWSERS=chromium-firefox node_suite long-call 200 tests/browser/long-call.test.mjs
}

suite_browsers() {
  local IN_NETWORK=tests/run/own-network.sh
  RECGATE_BROWSERS=chromium-chromium node_suite browsers-chromium 400 tests/browser/{call,presence,withdraw,toggles}.test.mjs
  RECGATE_BROWSERS=firefox-firefox node_suite browsers-firefox 400 tests/browser/{call,presence,withdraw,toggles}.test.mjs
  RECGATE_BROWSERS=firefox-chromium node_suite browsers-reversed 400 tests/browser/call.test.mjs
}

suite_netns() {
  if [ "$(id -u)" = 0 ] && ip netns add recgate-probe 2>/dev/null; then
    ip netns del recgate-probe
    node_suite netns 120 tests/browser/long/netns.mjs
  else
    skipped netns 'network namespaces need root'
  fi
}

suite_kill() {
  IN_NETWORK=tests/run/own-network.sh node_suite kill 300 tests/browser/long/kill.mjs
}

suite_withdraw() {
  IN_NETWORK=tests/run/own-network.sh node_suite withdraw 600 tests/browser/long/withdraw.mjs
}

suite_soak() {
  RECGATE_SOAK_S=${RECGATE_SOAK_S:-150} IN_NETWORK=tests/run/own-network.sh node_suite soak 420 tests/browser/long/soak.mjs
}

# Twelve people through one gate and Janus; ten minutes by hand.
suite_group() {
  local seconds=${RECGATE_GROUP_S:-20}
  RECGATE_GROUP_S=$seconds IN_NETWORK=tests/run/own-network.sh RECGATE_BROWSERS=chromium-firefox node_suite group $((seconds + 200)) tests/sfu/long/group.mjs
}

# 10^6 schedules of the consent core; the vault's process ended and its disk full at every call, its disk broken at every tenth.
suite_long() {
  meson_suite long 1200 build long
}

suite_mutation() {
  meson_suite mutation 900 build mutation
}

# sanitized NAME MESON-OPTION: unit and integration tests, and for media a call of two browsers and one with Janus. Each daemon's reports go to files, so that
# one that a test has killed, or whose exit status nobody asked for, still fails the suite. tests/run/lsan.supp names libraries only.
sanitized() {
  local name=$1 reports=$PWD/build-$1/reports
  build_into "build-$name" -Db_sanitize="$2" -Db_lundef=false
  rm -rf "$reports" && mkdir -p "$reports"
  RECGATE_SCHEDULES=3000 meson_suite "$name-unit" 600 "build-$name" unit --timeout-multiplier 3
  # shellcheck disable=SC2030
  (
    export ASAN_OPTIONS=${ASAN_OPTIONS:-}:log_path=$reports/report UBSAN_OPTIONS=${UBSAN_OPTIONS:-}:log_path=$reports/report
    export TSAN_OPTIONS=${TSAN_OPTIONS:-}:log_path=$reports/report RECGATE_BUILD=build-$name
    AT_ONCE=2 node_suite "$name-integration" 600 tests/integration/*.test.mjs
    IN_NETWORK=tests/run/own-network.sh RECGATE_BROWSERS=chromium-chromium node_suite "$name-browser" 300 tests/browser/{call,withdraw}.test.mjs
    IN_NETWORK=tests/run/own-network.sh RECGATE_BROWSERS=chromium-chromium node_suite "$name-sfu" 360 tests/sfu/{signalling,http,recording}.test.mjs
  )
  bounded "$name-reports" 10 sh -c "! cat $reports/* 2>/dev/null | grep ."
}

# The slow unwinder sees through libraries that have no frame pointers; without it no suppression could tell theirs from ours.
suite_asan() {
  RECGATE_UNTIMED=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 ASAN_OPTIONS=detect_leaks=1:fast_unwind_on_malloc=0 \
    LSAN_OPTIONS=suppressions=$PWD/tests/run/lsan.supp:print_suppressions=0 sanitized asan address,undefined
}

# Libraries are not built with TSan: their own accesses are not judged, every access of ours is. GSlice would hide who owns what.
suite_tsan() {
  RECGATE_UNTIMED=1 G_SLICE=always-malloc TSAN_OPTIONS=halt_on_error=0:exitcode=66:ignore_noninstrumented_modules=1 sanitized tsan thread
}

suite_fuzz() {
  bounded fuzz 600 tests/run/fuzz.sh
}
