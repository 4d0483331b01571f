#!/bin/bash
# Random, truncated, bit-flipped and replayed datagrams to every port of a server and a client [REQ-SEC-1] [REQ-SEC-2]: both go on, a
# download included; nothing they know has changed, their memory stays, and nobody gets back more bytes than he sent. With
# P2PDIST_LONG_TESTS a million to each port.
. "$(dirname "$0")/common.sh"
storm=$bin/net_storm
[ -x "$storm" ] || exit 99
each=5000
rate=50000
[ -n "${P2PDIST_LONG_TESTS:-}" ] && each=${P2PDIST_STORM_EACH:-1000000}
server_ports="34322 34323 34331 34333 34339 34341 34545"
client_ports="34324 34325 34329 34335 34337 34343 34345 34546 34750 34760"
world 100mbit
start_server --file-store "$work/packages"
lab_host central attacker 10.0.0.66 1gbit
# Recorders sit at the server's and the client's own doors.
recorders=""
for name in server c1; do
    [ $name = server ] || lab_host central c1 10.0.0.11 1gbit
    ip netns exec $name "$storm" record "$work/$name.tape" &
    recorders="$recorders $!"
done
start_client c1 central 10.0.0.11
start_client c2 central 10.0.0.12
wait_active c1 c2
for id in first second; do
    random_file "$work/packages/$id" $((24 * 1048576))
    admin content publish "$work/packages/$id" --id $id >/dev/null || fail "publish $id"
done
start_get c1 first; wait_gets 60; complete c1 "$work/packages/first"
start_get c2 first; wait_gets 60; complete c2 "$work/packages/first"
kill $recorders; wait $recorders 2>/dev/null
cat "$work/server.tape" "$work/c1.tape" >"$work/tape"
check "a recording of $(stat -c %s "$work/tape") bytes" test "$(stat -c %s "$work/tape")" -gt 100000

rss() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/${pid_of[$1]}/status"; }
drops() { ip netns exec "$1" awk 'NR > 1 { sum += $NF } END { print sum + 0 }' /proc/net/udp; }
# known: all that an administrator can see but for times.
known() {
    admin content list --json
    rm -f "$work/export.csv"; admin topology export "$work/export.csv" >/dev/null; cat "$work/export.csv"
    admin content holders first --json
    client c1 status --json | sed 's/.*"id":"\([^"]*\)".*"registered":\([a-z]*\).*/\1 \2/'
}
rain() { ip netns exec attacker "$storm" send "$work/tape" "$@"; }
# Once to fill what may be filled; then nothing may grow.
rain 10.0.0.2 $((each / 4)) $rate $server_ports >/dev/null
rain 10.0.0.11 $((each / 4)) $rate $client_ports >/dev/null
wait_for 10 admin health
known >"$work/before"
declare -A memory
for name in server c1; do memory[$name]=$(rss $name); done
begin=$(date +%s)
for one in "server 10.0.0.2 $server_ports" "c1 10.0.0.11 $client_ports"; do
    read -r name address ports <<<"$one"
    lost=$(drops $name)
    said=$(rain $address $each $rate $ports)
    check "$name gives no source more than it sent: $said" test $? = 0
    lost=$(($(drops $name) - lost))
    grown=$(($(rss $name) - ${memory[$name]}))
    echo "$name: $lost datagrams did not fit its sockets; memory ${memory[$name]} KiB and $grown more"
    check "$name does not grow" test $grown -le 8192
done
echo "storm of $(($(date +%s) - begin)) s"
check "the server answers" wait_for 10 admin health
known >"$work/after"
check "nothing that they know has changed" diff "$work/before" "$work/after"
# A download through it.
rain 10.0.0.2 $((each / 2)) $((rate / 2)) $server_ports >/dev/null &
rains=$!
rain 10.0.0.11 $((each / 2)) $((rate / 2)) $client_ports >/dev/null &
rains="$rains $!"
start_get c1 second
wait_gets 90
complete c1 "$work/packages/second"
wait $rains
for name in server c1; do check "$name runs" kill -0 "${pid_of[$name]}"; done
end_test
