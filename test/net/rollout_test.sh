#!/bin/bash
# A whole roll-out with a capture of every datagram [REQ-RVP-2] [REQ-MSG-4] [REQ-OFF-2] [REQ-OFF-3] [REQ-RVP-4].
. "$(dirname "$0")/common.sh"
command -v tcpdump >/dev/null || exit 99
world
start_server --file-store "$work/packages"
size=$((24 * 1048576 + 12345))
random_file "$work/packages/app" $size
for office in central boston denver wifi vpn; do
    ip netns exec $office tcpdump -Z root -i lan -s 96 -w "$work/$office.pcap" -U udp 2>/dev/null &
    processes="$processes $!"
done
hosts="c1:central:10.0.0.11 c2:central:10.0.0.12 b1:boston:10.1.0.11 b2:boston:10.1.0.12 b3:boston:10.1.0.13 d1:denver:10.2.0.11 d2:denver:10.2.0.12
    d3:denver:10.2.0.13 w1:wifi:10.3.0.11 w2:wifi:10.3.0.12 v1:vpn:10.4.0.11"
for host in $hosts; do IFS=: read -r name office address <<<"$host"; start_client "$name" "$office" "$address"; done
for host in $hosts; do wait_active "${host%%:*}"; done
[ "$failures" = 0 ] || end_test
admin content publish "$work/packages/app" --id app >/dev/null || fail publish
count_links boston denver wifi
for host in $hosts; do start_get "${host%%:*}" app; done
wait_gets 120
for host in $hosts; do complete "${host%%:*}" "$work/packages/app"; done
copies boston $size 1.08
copies denver $size 1.08
copies wifi $size 1.08
sleep 1
for office in central boston denver wifi vpn; do
    tcpdump -nn -r "$work/$office.pcap" 2>/dev/null
done | sed -nE 's/.* IP ([0-9.]+)\.([0-9]+) > ([0-9.]+)\.([0-9]+): .*/\1 \2 \3 \4/p' | sort | uniq -c >"$work/datagrams"
check "datagrams were captured" test "$(wc -l <"$work/datagrams")" -gt 50
awk -v server=$server_address '
    # The pairs of MSG-4, by the roles of the two ends; each both ways.
    function pair(a, b, x, y) { allowed[a, b, x, y] = 1; allowed[b, a, y, x] = 1 }
    BEGIN {
        pair("c","s",34324,34323); pair("s","c",34322,34325); pair("c","c",34324,34325)
        pair("c","s",34335,34333); pair("c","s",34343,34341); pair("s","c",34331,34337); pair("s","c",34339,34345)
        pair("c","c",34335,34337); pair("c","c",34343,34345)
        pair("c","c",34760,34546); pair("c","c",34750,34546); pair("c","s",34760,34545); pair("c","s",34750,34545)
    }
    function office(a) { split(a, p, "."); return p[2] }
    function upper(a, b) { return a == b || a == 0 || (a == 1 && b == 3) }   # whether office a is b or above it
    {
        from = $2; to = $4; sender = (from == server) ? "s" : "c"; receiver = (to == server) ? "s" : "c"
        if (to ~ /\.255$/) {
            if ($5 != 34329 || $3 != 34324) { print "a broadcast on other ports: " $0; bad = 1 }
            if (office(from) == 3) { print "a Wi-Fi client sent a broadcast: " $0; bad = 1 }
            broadcasts += $1; next
        }
        if (from == server && to == server) next
        if (!((sender, receiver, $3, $5) in allowed)) { print "not a pair of MSG-4: " $0; bad = 1 }
        if ($3 == 34546 || $3 == 34545) {
            content += $1
            if (office(from) == 4) { print "content from a VPN client: " $0; bad = 1 }
            if (!upper(office(from), office(to))) { print "content upwards or sideways: " $0; bad = 1 }
            if ($5 == 34760 && office(from) != office(to)) { print "Foreground between offices: " $0; bad = 1 }
            if ($5 == 34750 && office(from) == office(to)) { print "Background inside an office: " $0; bad = 1 }
        }
    }
    END { print content " content datagrams, " broadcasts " broadcasts"; if (content < 100) bad = 1; exit bad }' "$work/datagrams" || fail "the capture"
end_test
