#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How long `recgatectl verify` takes for a log of 1,000,000 leaves (or LEAVES), and how much memory. The bar: 10 s, 200 MB.
set -euo pipefail
leaves=${1:-${LEAVES:-1000000}}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
echo "making a log of $leaves leaves..."
build/tests/audit/audit-make-log "$dir" "$leaves" 5
echo "vault.db: $(du -m "$dir/vault.db" | cut -f1) MB"
python3 - build/recgatectl "$dir" <<'PYTHON'
import resource, subprocess, sys, time
for run in ("first", "again"):
    began = time.monotonic()
    done = subprocess.run([sys.argv[1], "verify", "--data", sys.argv[2]], capture_output=True, text=True)
    seconds, usage = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{run}: {seconds:.2f} s ({usage.ru_utime + usage.ru_stime:.2f} s of CPU in all), {usage.ru_maxrss / 1024:.0f} MB at most, status {done.returncode}: {done.stdout.splitlines()[0]}")
    if done.returncode:
        sys.exit(done.stderr)
PYTHON
