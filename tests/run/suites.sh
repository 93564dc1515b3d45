# SPDX-License-Identifier: Apache-2.0
# The test suites, for `./dev test`: each is a function suite_NAME that runs its parts under a bound each and leaves their results in $RESULTS. A suite that is
# named runs whole; as a part of `all`, which must end within the hour also on a slow machine, in a bounded form.
# shellcheck shell=bash

SUITES_DAILY='lint unit integration browser'
SUITES_ALL='lint unit integration browser sfu long asan tsan fuzz kill withdraw group package netns browsers pages screens mutation soak toggles'
ALL_BEGINS_WITHIN=3000 # seconds: no part of `all` begins later

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

# either WHOLE BOUNDED: the first in a suite that was named, the second in a part of `all`.
either() { [ -z "${ALL:-}" ] && echo "$1" || echo "$2"; }

# bounded NAME SECONDS COMMAND…: leaves NAME.log and NAME.status; what writes junit puts it into NAME.xml. Never fails: tally.py judges. What is stopped
# leaves in its log which processes still ran shortly before: one of them hangs.
bounded() {
  local name=$1 seconds=$2 status=0
  shift 2
  if [ -n "${ALL:-}" ] && [ "$SECONDS" -gt $ALL_BEGINS_WITHIN ]; then
    skipped "$name" "this machine is too slow for it: \`all\` begins nothing after $((ALL_BEGINS_WITHIN / 60)) minutes. Run it by its name"
    return
  fi
  setsid sh -c "sleep $((seconds - 5)) && ps -o pid,ppid,etimes,pcpu,stat,args --forest --ppid 2 -p 2 --deselect" >"$RESULTS/$name.ps" 2>/dev/null </dev/null &
  local watcher=$!
  timeout --kill-after=15 "$seconds" "$@" >"$RESULTS/$name.log" 2>&1 </dev/null || status=$?
  if [ "$status" = 124 ]; then
    grep -v crashpad "$RESULTS/$name.ps" | tail -n 60 | cut -c 1-160 >>"$RESULTS/$name.log" || true
    echo "stopped after $seconds s, the bound of $name" >>"$RESULTS/$name.log"
  fi
  kill -- "-$watcher" 2>/dev/null || true
  wait "$watcher" 2>/dev/null || true
  rm -f "$RESULTS/$name.ps"
  echo "$status" >"$RESULTS/$name.status"
}

# skipped NAME WHY: shown and counted as skipped.
skipped() {
  echo "$2" >"$RESULTS/$1.log"
  echo 77 >"$RESULTS/$1.status"
}

# meson_suite NAME SECONDS BUILD-DIR SUITE [OPTION…]: one test more at a time than there are cores, because some only wait.
meson_suite() {
  rm -f "$3/meson-logs/$1".* # of an earlier run
  bounded "$1" "$2" meson test -C "$3" --no-rebuild --print-errorlogs --num-processes $(($(nproc) + 1)) --logbase "$1" --suite "$4" "${@:5}"
  cp "$3/meson-logs/$1.junit.xml" "$RESULTS/$1.xml" 2>/dev/null || true
  cp "$3/meson-logs/$1.json" "$RESULTS/$1.json" 2>/dev/null || true
}

# node_suite NAME SECONDS FILE…: two files at a time, or AT_ONCE, because tests wait more than they work.
node_suite() {
  local name=$1 seconds=$2
  shift 2
  bounded "$name" "$seconds" ${IN_NETWORK:-} node --test --test-concurrency="${AT_ONCE:-2}" \
    --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter=junit --test-reporter-destination="$RESULTS/$name.xml" "$@"
}

suite_lint() {
  bounded lint-test 60 python3 tests/lint/test-lint.py &
  bounded lint 60 python3 tests/lint/lint.py &
  bounded format 60 sh -c "git ls-files '*.c' | xargs --no-run-if-empty clang-format --dry-run --Werror"
  wait
}

suite_unit() {
  meson_suite unit 150 build unit
  node_suite unit-page 60 tests/browser/page/*.test.mjs
  node_suite unit-ledger 60 tests/ledger/*.test.mjs
}

suite_integration() {
  AT_ONCE=3 node_suite integration 150 tests/integration/*.test.mjs
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

# Behind the gate a real Janus, a second gate, or coturn before that; before it janus.js in both browsers; all of it in a network of its own. Simulcast runs
# alone: a browser that is short of time sends fewer layers.
suite_sfu() {
  local -x IN_NETWORK=tests/run/own-network.sh
  RECGATE_BROWSERS=chromium-firefox node_suite sfu 540 $(printf '%s\n' tests/sfu/*.test.mjs | grep -v /simulcast)
  RECGATE_BROWSERS=firefox-chromium node_suite sfu-reversed 200 tests/sfu/{echo,four}.test.mjs
  RECGATE_BROWSERS=chromium-firefox node_suite sfu-simulcast 200 tests/sfu/simulcast.test.mjs
  RECGATE_BROWSERS=firefox-chromium node_suite sfu-simulcast-reversed 120 tests/sfu/simulcast.test.mjs
}

# Camera off and microphone muted for 10 s each (3 s each with other browsers): all waiting, so not daily.
suite_toggles() {
  IN_NETWORK=tests/run/own-network.sh RECGATE_LONG=1 RECGATE_BROWSERS=chromium-firefox node_suite toggles 180 tests/browser/toggles.test.mjs
}

# Every state of the pages, photographed, checked for accessibility; each side of a call in each browser, and in each language.
suite_screens() {
  local -x IN_NETWORK=tests/run/own-network.sh RECGATE_LONG=1
  local files='tests/browser/screens.test.mjs tests/browser/long/screens.mjs'
  RECGATE_BROWSERS=chromium-firefox node_suite screens 400 $files
  RECGATE_LANGUAGE=es RECGATE_BROWSERS=firefox-chromium node_suite screens-spanish 400 $files
  if [ "$(either whole '')" ]; then
    RECGATE_BROWSERS=firefox-chromium node_suite screens-reversed 400 $files
  fi
}

# The pages beside the call: the auditor's, the letter's, the receipts', reports; and that the log verifies in a browser.
suite_pages() {
  local -x IN_NETWORK=tests/run/own-network.sh RECGATE_LONG=1
  RECGATE_BROWSERS=chromium-firefox node_suite pages 600 tests/browser/{audit,ahead,codecs,receipts,reports,kept,language,proof,verify,whole}.test.mjs
  RECGATE_BROWSERS=chromium-firefox AT_ONCE=1 node_suite long-call 200 tests/browser/long-call.test.mjs
}

# The other pairs of browsers: of all that is tested with the daily one, `all` has them meet, consent, record, export, and switch camera and
# microphone off. One file at a time: what is measured is sound and picture, and two pairs of browsers leave each other short of time.
suite_browsers() {
  local IN_NETWORK=tests/run/own-network.sh AT_ONCE=1 files
  files=$(either 'tests/browser/call.test.mjs tests/browser/presence.test.mjs tests/browser/withdraw.test.mjs tests/browser/toggles.test.mjs' \
    'tests/browser/call.test.mjs tests/browser/toggles.test.mjs')
  RECGATE_BROWSERS=chromium-chromium node_suite browsers-chromium 400 $files
  RECGATE_BROWSERS=firefox-firefox node_suite browsers-firefox 400 $files
  RECGATE_BROWSERS=firefox-chromium node_suite browsers-reversed 400 tests/browser/call.test.mjs
}

suite_netns() {
  if [ "$(id -u)" = 0 ] && ip netns add recgate-probe 2>/dev/null; then
    ip netns del recgate-probe
    node_suite netns 180 tests/browser/long/netns.mjs
  else
    skipped netns 'network namespaces need root'
  fi
}

suite_kill() {
  RECGATE_ROUNDS=${RECGATE_ROUNDS:-$(either 6 3)} IN_NETWORK=tests/run/own-network.sh node_suite kill 300 tests/browser/long/kill.mjs
}

suite_withdraw() {
  RECGATE_ROUNDS=${RECGATE_ROUNDS:-$(either 60 20)} IN_NETWORK=tests/run/own-network.sh node_suite withdraw 600 tests/browser/long/withdraw.mjs
}

suite_soak() {
  RECGATE_SOAK_S=${RECGATE_SOAK_S:-$(either 300 90)} IN_NETWORK=tests/run/own-network.sh node_suite soak 420 tests/browser/long/soak.mjs
}

# Twelve people through one gate and Janus; ten minutes by hand.
suite_group() {
  local seconds=${RECGATE_GROUP_S:-20}
  RECGATE_GROUP_S=$seconds IN_NETWORK=tests/run/own-network.sh RECGATE_BROWSERS=chromium-firefox node_suite group $((seconds + 200)) tests/sfu/long/group.mjs
}

# 10^6 schedules of the consent core, in `all` too: so many reach every pair of state and event. Each bit of a log; the vault's process ended and its disk full at
# every call, its disk broken at every tenth: of these in `all` a sample, another one each time.
suite_long() {
  RECGATE_EVERY=${RECGATE_EVERY:-$(either 1 5)} meson_suite long 1200 build long
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
    IN_NETWORK=tests/run/own-network.sh RECGATE_BROWSERS=chromium-chromium AT_ONCE=3 node_suite "$name-daemon" 900 \
      tests/browser/{call,withdraw}.test.mjs tests/sfu/{signalling,http,recording}.test.mjs tests/integration/*.test.mjs
  )
  bounded "$name-reports" 10 sh -c "! cat $reports/* 2>/dev/null | grep ."
}

# The slow unwinder sees through libraries that have no frame pointers; without it no suppression could tell theirs from ours. It is slow: 16 frames of it do.
suite_asan() {
  RECGATE_UNTIMED=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 ASAN_OPTIONS=detect_leaks=1:fast_unwind_on_malloc=0:malloc_context_size=16 \
    LSAN_OPTIONS=suppressions=$PWD/tests/run/lsan.supp:print_suppressions=0 sanitized asan address,undefined
}

# Libraries are not built with TSan: their own accesses are not judged, every access of ours is. GSlice would hide who owns what.
suite_tsan() {
  RECGATE_UNTIMED=1 G_SLICE=always-malloc TSAN_OPTIONS=halt_on_error=0:exitcode=66:ignore_noninstrumented_modules=1 sanitized tsan thread
}

suite_fuzz() {
  bounded fuzz 600 tests/run/fuzz.sh
}
