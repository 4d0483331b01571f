#!/bin/bash
# A forger who sees every data frame of an office, also before the WAN's queue, gives the office a thousand altered copies a second under
# their senders' names [REQ-SEC-2] [REQ-SEC-3]: downloads complete with the right bytes, and nobody is blamed. With P2PDIST_LONG_TESTS
# several roll-outs without and with him: at most 10 % slower by the median.
. "$(dirname "$0")/common.sh"
forge=$bin/net_forge
[ -x "$forge" ] || exit 99
mebibytes=12 rounds=1
[ -n "${P2PDIST_LONG_TESTS:-}" ] && mebibytes=48 rounds=5
size=$((mebibytes * 1048576))
world 50mbit
start_server --file-store "$work/packages"
start_client c1 central 10.0.0.11
start_client b1 boston 10.1.0.11
start_client b2 boston 10.1.0.12
start_client b3 boston 10.1.0.13
wait_active c1 b1 b2 b3

# roll_out ID: seconds until the last of the office has it.
roll_out() {
    local id=$1 name begin
    random_file "$work/packages/$id" $size
    admin content publish "$work/packages/$id" --id "$id" >/dev/null || fail "publish $id"
    begin=$(date +%s%N)
    for name in b1 b2 b3; do start_get $name "$id"; done
    wait_gets 120
    took=$(awk -v ns=$(($(date +%s%N) - begin)) 'BEGIN { printf "%.2f", ns / 1e9 }')
    for name in b1 b2 b3; do complete $name "$work/packages/$id" >/dev/null; done
    rm -f "$work/packages/$id"
}
# First all without him: what the clients suspect they remember for ten minutes.
for number in $(seq $rounds); do
    roll_out "plain-$number"
    echo "$took" >>"$work/plain"
done
"$forge" central boston 1000 >"$work/forged" &
forger=$!
begun=$(date +%s)
for number in $(seq $rounds); do
    roll_out "forged-$number"
    echo "$took" >>"$work/beside"
done
kill $forger; wait $forger
forged=$(cat "$work/forged")
check "the forger was at work: $forged datagrams" test "$forged" -ge $((($(date +%s) - begun) * 500))
check "nobody is blamed" test "$(cat "$work"/*.log | grep -c 'event=peer_blamed')" = 0
check "and the server was told of nobody" test "$(admin health --json | grep -c 'served bad chunks')" = 0
median() { sort -n "$1" | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }
ratio=$(awk -v f="$(median "$work/beside")" -v p="$(median "$work/plain")" 'BEGIN { printf "%.3f", f / p }')
echo "seconds alone: $(xargs <"$work/plain"); beside the forger: $(xargs <"$work/beside"); $ratio times as long by the median"
[ $rounds = 1 ] || check "at most 10 % slower" awk -v r="$ratio" 'BEGIN { exit !(r <= 1.10) }'
end_test
