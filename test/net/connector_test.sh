#!/bin/bash
# The connector over a slow link, and while its server is killed and started again: every request has one effect [REQ-CON-1] [REQ-CON-2].
. "$(dirname "$0")/common.sh"
world 20mbit
start_server
lab_host boston desk 10.1.0.9 1gbit
desk() { on desk "$bin/p2pdist-admin" --server $server_address --bind 10.1.0.9 --key-file "$work/security.key" --timeout 30 "$@"; }
import() { desk topology import "$work/large.csv" --json >"$1" 2>&1; }
version() { sed -n 's/.*"version":\([0-9]*\).*/\1/p' "$1"; }
now_ms() { echo $(($(date +%s%N) / 1000000)); }
check "a connector beyond a WAN link" desk health

# Bulk: a topology of several megabytes, over a link that drops what is too much, and back.
{
    echo "Office,Type,Parent,Subnet,Description"
    echo "Central,Default,,10.0.0.0/24,"
    for i in $(seq 1 20000); do
        echo "Office $i,Default,Central,10.$((64 + i / 256)).$((i % 256)).0/24,$(printf 'a description that makes the row longer %.0s' 1 2 3 4 5)"
    done
} >"$work/large.csv"
size=$(stat -c %s "$work/large.csv")
began=$(now_ms)
check "$((size / 1048576)) MiB of topology in" import "$work/import.json"
took=$(( $(now_ms) - began ))
echo "$size bytes in $took ms over 20 Mbit/s: $((size * 8 / took)) kbit/s"
check "at a quarter of the link's rate at least" test $((size * 8 / took)) -ge 5000
check "and out again" desk topology export "$work/back.csv"
check "the same number of offices" test "$(wc -l <"$work/back.csv")" -ge 20001

# The server is killed in the middle of a request and started again: the connector notices, and the request takes effect once.
sed -i 's/^Office 7,/Office seven,/' "$work/large.csv"
import "$work/import2.json" &
asking=$!
sleep 1.2
kill -KILL "${pid_of[server]}"
wait "${pid_of[server]}" 2>/dev/null
sleep 1
ip netns exec server "$bin/p2pdist-server" run --data "$work/server" --bind $server_address --log-level debug 2>>"$work/server.log" &
pid_of[server]=$!
processes="$processes $!"
began=$(now_ms)
wait $asking || fail "the import did not outlive the server: $(cat "$work/import2.json")"
echo "the import ended $(( $(now_ms) - began )) ms after the server's new start"
import "$work/import3.json" || fail "the same import again"
echo "topology versions: $(version "$work/import.json"), $(version "$work/import2.json"), $(version "$work/import3.json")"
check "it took effect once" test "$(version "$work/import2.json")" = $(( $(version "$work/import.json") + 1 ))
check "and given again, not at all" test "$(version "$work/import3.json")" = "$(version "$work/import2.json")"

# Small requests while servers are killed: each publishes its own content, none twice, none lost.
for i in 1 2 3; do
    ip netns exec desk "$bin/p2pdist-admin" --server $server_address --bind 10.1.0.9 --key-file "$work/security.key" --timeout 30 content publish \
        --id "small-$i" --size 1000 --hash "sha256:$(printf '%s' "$i" | sha256sum | cut -d' ' -f1)" --json >"$work/small-$i" 2>&1 &
    asking=$!
    sleep 0.0$i
    kill -KILL "${pid_of[server]}"
    wait "${pid_of[server]}" 2>/dev/null
    began=$(now_ms)
    ip netns exec server "$bin/p2pdist-server" run --data "$work/server" --bind $server_address 2>>"$work/server.log" &
    pid_of[server]=$!
    processes="$processes $!"
    wait $asking || fail "publish $i: $(cat "$work/small-$i")"
    took=$(( $(now_ms) - began ))
    check "publish $i ended $took ms after the new start" test "$took" -le 5000
done
contents=$(desk content list --json)
for i in 1 2 3; do check "small-$i is there once" test "$(grep -o "\"small-$i\"" <<<"$contents" | wc -l)" = 1; done
end_test
