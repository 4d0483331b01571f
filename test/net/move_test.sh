#!/bin/bash
# A device that gets another address, and one that comes into another network, go on there without being started again; a download that was
# under way goes on where it was [REQ-OFF-1] [REQ-CLI-4].
. "$(dirname "$0")/common.sh"
world 20mbit
start_server --file-store "$work/packages"
size=$((24 * 1048576))
random_file "$work/packages/app" $size
start_client c1 central 10.0.0.11
lab_host boston b1 10.1.0.11 1gbit
ip netns exec b1 "$bin/p2pdist-client" run --data "$work/b1" --server $server_address --enrolment-key-file "$work/enrolment.key" 2>>"$work/b1.log" &
pid_of[b1]=$!
processes="$processes $!"
wait_active c1 b1
admin content publish "$work/packages/app" --id app >/dev/null || fail publish
start_get b1 app
wait_for 60 at_least b1 $((size / 4)) || fail "b1 does not get on: $(last b1)"

on b1 sh -c "ip addr flush dev eth0; ip addr add 10.1.0.77/24 broadcast 10.1.0.255 dev eth0; ip route add default via 10.1.0.1"
had=$(verified b1)
wait_gets 100
complete b1 "$work/packages/app"
check "the server knows the new address" grep -q '"address":"10.1.0.77"' <<<"$(admin clients --json)"

on b1 sh -c "ip addr add 10.1.0.77/23 broadcast 10.1.1.255 dev eth0; ip addr del 10.1.0.77/24 dev eth0; ip route replace default via 10.1.0.1"
hears_broadcasts() { on b1 ss -Hlun | grep -q '10.1.1.255:'; }
check "the same address with another prefix is followed, too" wait_for 60 hears_broadcasts
check "and gives no trouble" eval '! grep -q address_unusable "$work/b1.log"'

ip netns exec boston ip link del p-b1   # and into another office, with no network in between
ip link add p-b1 netns denver type veth peer name eth0 netns b1
ip netns exec denver sh -c "ip link set p-b1 master lan; ip link set p-b1 up"
on b1 sh -c "ip addr add 10.2.0.11/24 broadcast 10.2.0.255 dev eth0; ip link set eth0 up; ip route add default via 10.2.0.1"
in_denver() { admin clients --json | grep '10.2.0.11' | grep -q Denver; }
check "the device is in the other office" wait_for 60 in_denver
check "nobody was started again" kill -0 "${pid_of[b1]}"
end_test
