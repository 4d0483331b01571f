#!/bin/bash
# The acting rendezvous point is killed at half: the next in rank goes on from what the office has [REQ-RVP-3].
. "$(dirname "$0")/common.sh"
world 20mbit
start_server --file-store "$work/packages"
size=$((32 * 1048576))
random_file "$work/packages/app" $size
start_client c1 central 10.0.0.11
start_client b1 boston 10.1.0.11 --free-storage 900GiB
start_client b2 boston 10.1.0.12 --free-storage 500GiB
start_client b3 boston 10.1.0.13 --free-storage 100GiB
wait_active c1 b1 b2 b3
admin content publish "$work/packages/app" --id app >/dev/null || fail publish
count_links boston
for name in b1 b2 b3; do start_get $name app; done
wait_for 60 at_least b3 $((size / 2)) || fail "b3 does not get on: $(last b3)"
check "the first in rank acts [REQ-RANK-1]" grep -q '10.1.0.11' <<<"$(client b3 explain app --json | sed 's/.*"acting":"\([^"]*\)".*/\1/')"
kill -9 "${pid_of[b1]}"
gets=$(sed 's/b1:[0-9]*//' <<<"$gets")
wait_gets 120
complete b2 "$work/packages/app"
complete b3 "$work/packages/app"
copies boston $size 1.12
end_test
