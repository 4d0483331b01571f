#!/bin/bash
# Sizes at the edges [REQ-XFER-4]; with P2PDIST_LONG_TESTS also 5 GiB, sparse, in less than 100 MB of memory.
. "$(dirname "$0")/common.sh"
world 200mbit
start_server --file-store "$work/packages"
start_client c1 central 10.0.0.11
start_client c2 central 10.0.0.12
start_client b1 boston 10.1.0.11
wait_active c1 c2 b1
chunk=262144
for size in 0 1 $((chunk - 1)) $chunk $((chunk + 1)) $((3 * chunk)); do
    random_file "$work/packages/s$size" $size
    admin content publish "$work/packages/s$size" --id s$size >/dev/null || fail "publish $size"
    for name in c1 c2 b1; do start_get $name s$size; done
    wait_gets 30
    for name in c1 c2 b1; do complete $name "$work/packages/s$size"; done
done
if [ -n "${P2PDIST_LONG_TESTS:-}" ]; then
    truncate -s 5G "$work/packages/large"
    for place in 0 2147483647 4294967295 5368709119; do printf 'x' | dd of="$work/packages/large" bs=1 seek=$place conv=notrunc 2>/dev/null; done
    admin content publish "$work/packages/large" --id large >/dev/null || fail "publish 5 GiB"
    start_get c1 large
    wait_gets 280
    complete c1 "$work/packages/large"
    peak=$(awk '/VmHWM/ { print $2 }' "/proc/${pid_of[c1]}/status")
    check "the client's memory stayed below 100 MB ($peak kB)" test "$peak" -lt 100000
fi
end_test
