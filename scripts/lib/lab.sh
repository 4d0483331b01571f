# Offices, LANs and WAN links out of network namespaces; sourced by the demo and by the tests in test/net. Everything happens inside
# one set of namespaces that ends, with every process in it, when its first process ends: nothing is left behind.

# lab_enter SCRIPT ARGS...: runs the script again inside fresh namespaces (as an ordinary user too, where the system allows it).
# Gives 99 where namespaces are forbidden.
lab_enter() {
    local flags="--net --mount --pid --fork --kill-child=KILL --mount-proc"
    [ "$(id -u)" = 0 ] || flags="--user --map-root-user $flags"
    unshare $flags true 2>/dev/null || return 99
    P2PDIST_LAB_INSIDE=yes unshare $flags "$@"
}

# lab_start: the place where `ip netns` keeps its names, private to us.
lab_start() {
    mount -t tmpfs tmpfs /run 2>/dev/null || return 1
    mkdir -p /run/netns
    ip link set lo up
}

# lab_office NAME NETWORK: a router with a LAN; NETWORK is the first three bytes of its /24. The router is .1. A bridge without a MAC
# address of its own takes the lowest of its ports': it would change with the next device, and those that had asked for it before
# would talk to nobody.
lab_office() {
    local name=$1 network=$2 mac
    mac=$(printf '02:00:%02x:%02x:%02x:01' ${network//./ })
    ip netns add "$name"
    ip netns exec "$name" sh -c "
        ip link set lo up
        sysctl -q -w net.ipv4.ip_forward=1
        ip link add lan address $mac type bridge
        ip addr add $network.1/24 broadcast $network.255 dev lan
        ip link set lan up"
}

# lab_link UPPER LOWER INDEX RATE ROUTES...: the WAN link of LOWER. UPPER reaches ROUTES over it, LOWER everything else.
lab_link() {
    local upper=$1 lower=$2 index=$3 rate=$4
    shift 4
    ip link add "wan$index" netns "$upper" type veth peer name wan netns "$lower"
    ip netns exec "$upper" sh -c "ip addr add 10.250.$index.1/30 dev wan$index; ip link set wan$index up; tc qdisc add dev wan$index root tbf rate $rate burst 8k latency 50ms"
    ip netns exec "$lower" sh -c "ip addr add 10.250.$index.2/30 dev wan; ip link set wan up; tc qdisc add dev wan root tbf rate $rate burst 8k latency 50ms; ip route add default via 10.250.$index.1"
    local route
    for route in "$@"; do ip netns exec "$upper" ip route add "$route" via "10.250.$index.2"; done
}

# lab_host OFFICE NAME ADDRESS RATE: a device on the office's LAN.
lab_host() {
    local office=$1 name=$2 address=$3 rate=$4
    ip netns add "$name"
    ip link add "p-$name" netns "$office" type veth peer name eth0 netns "$name"
    ip netns exec "$office" sh -c "ip link set p-$name master lan; ip link set p-$name up; tc qdisc add dev p-$name root tbf rate $rate burst 256k latency 20ms"
    ip netns exec "$name" sh -c "
        ip link set lo up
        ip addr add $address/24 broadcast ${address%.*}.255 dev eth0
        ip link set eth0 up
        tc qdisc add dev eth0 root tbf rate $rate burst 256k latency 20ms
        ip route add default via ${address%.*}.1"
}

# lab_wan_bytes OFFICE: IP bytes over the office's WAN link so far, both directions, from the kernel's counters (their frames carry
# 14 bytes of Ethernet each).
lab_wan_bytes() {
    local base=/sys/class/net/wan/statistics
    ip netns exec "$1" sh -c "echo \$(( \$(cat $base/rx_bytes) + \$(cat $base/tx_bytes) - 14 * (\$(cat $base/rx_packets) + \$(cat $base/tx_packets)) ))"
}

# wait_for SECONDS COMMAND...: until the command succeeds.
wait_for() {
    local deadline=$(( $(date +%s) + $1 ))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -lt "$deadline" ] || return 1
        sleep 0.2
    done
}
