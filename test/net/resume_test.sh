#!/bin/bash
# Kills and restarts: a client in mid-download goes on where it was, the server's absence stops nothing that is under way
# [REQ-CLI-4] [REQ-SRV-6].
. "$(dirname "$0")/common.sh"
world 20mbit
start_server --file-store "$work/packages"
size=$((24 * 1048576))
random_file "$work/packages/app" $size
start_client c1 central 10.0.0.11
start_client b1 boston 10.1.0.11
start_client b2 boston 10.1.0.12
wait_active c1 b1 b2
admin content publish "$work/packages/app" --id app >/dev/null || fail publish
count_links boston
start_get b1 app
start_get b2 app
wait_for 60 at_least b1 $((size / 3)) || fail "b1 does not get on: $(last b1)"

kill -9 "${pid_of[server]}"
wait "${pid_of[server]}" 2>/dev/null
had=$(field "$(last b2)" verified)
wait_for 30 at_least b2 $((had + 2097152)) || fail "without the server nothing goes on: $(last b2)"
start_server --file-store "$work/packages"
check "the catalogue survived" grep -q '"content":"app"' <<<"$(admin content list --json)"
check "the clients survived" grep -q '10.1.0.12' <<<"$(admin clients --json)"

had=$(field "$(last b2)" verified)
kill -9 "${pid_of[b2]}"
wait "${pid_of[b2]}" 2>/dev/null
start_client b2 boston 10.1.0.12
wait_active b2
start_get b2 app
wait_gets 120
complete b1 "$work/packages/app"
complete b2 "$work/packages/app"
kept=$(field "$(last b2)" store)
check "what was verified was not fetched again ($kept of $had bytes kept)" test "$kept" -ge "$had"
copies boston $size 1.12
end_test
