#!/bin/bash
# The simulated CUBIC and BBR, each alone on a line, against the kernel's own on a line of the same rate, delay and queue between two network
# namespaces. Usage: tcp_lab.sh BIN-DIR [SECONDS]. Needs root and /dev/net/tun, some eight minutes, and a machine that has nothing else to do:
# the line is a program. How late it was on average is measured, and the simulated lines have jitter of that mean. Prints a table; exit code 1 where a throughput is off by more than 10 %
# or a mean queue by more than 25 %.
set -u
program=$(cd "$1" && pwd)/bench_tcp_lab
seconds=${2:-30}
skip=5
started=()
spaces=()
finish() {
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null; done
    for each in "${spaces[@]}"; do ip netns del "$each" 2>/dev/null; done
}

# Runs in a subshell of its own; what it started is ended, whatever happens.
kernel() {
    measure "$@"
    finish
}

# measure NUMBER KIND MBITS RTT QUEUE: its figures, "Mbit/s bytes microseconds".
measure() {
    local each out a=tcplab-$$-$1a b=tcplab-$$-$1b middle=tcplab-$$-$1m
    shift
    started=()
    spaces=("$a" "$b" "$middle")
    for each in "$a" "$b" "$middle"; do ip netns add "$each" || return 1; done
    out=$(mktemp)
    ip netns exec "$middle" "$program" line "$2" "$3" "$4" "$skip" "$seconds" >"$out" &
    local line=$!
    started+=("$line")
    for _ in $(seq 50); do grep -q ready "$out" && break; sleep 0.1; done
    ip -n "$middle" link set lineA netns "$a" && ip -n "$middle" link set lineB netns "$b" || return 1
    ip -n "$a" addr add 10.9.0.1 peer 10.9.0.2 dev lineA && ip -n "$a" link set lineA up
    ip -n "$b" addr add 10.9.0.2 peer 10.9.0.1 dev lineB && ip -n "$b" link set lineB up
    for each in "$a" "$b"; do
        ip netns exec "$each" sh -c 'echo 1 >/proc/sys/net/ipv4/tcp_no_metrics_save
            echo "4096 131072 33554432" >/proc/sys/net/ipv4/tcp_rmem; echo "4096 16384 33554432" >/proc/sys/net/ipv4/tcp_wmem'
    done
    ip netns exec "$b" "$program" sink &
    started+=("$!")
    sleep 0.5
    ip netns exec "$a" "$program" send 10.9.0.2 "$1" $((skip + seconds + 2)) &
    started+=("$!")
    wait "$line"
    tail -n1 "$out"
    rm -f "$out"
}

if ! [ -e /dev/net/tun ] || [ "$(id -u)" != 0 ]; then
    echo "needs root and /dev/net/tun"
    exit 99
fi
printf '%-6s %6s %5s %6s %7s | %8s %8s | %8s %8s | %6s %6s\n' kind Mbit/s ms bdp late/us kernel queue/ms actor queue/ms rate queue
wrong=0
number=0
for kind in cubic bbr; do
    if ! grep -qw "$kind" /proc/sys/net/ipv4/tcp_available_congestion_control; then
        echo "$kind: this kernel does not have it"
        continue
    fi
    while read -r mbits rtt products; do
        number=$((number + 1))
        queue=$(awk "BEGIN { printf \"%d\", $mbits * 125 * $rtt * $products }")
        read -r rate bytes late < <(kernel "$number" "$kind" "$mbits" "$rtt" "$queue")
        read -r our_rate our_bytes < <("$program" simulate "$kind" "$mbits" "$rtt" "$queue" "$skip" "$seconds" "$late")
        awk -v kind="$kind" -v m="$mbits" -v rtt="$rtt" -v p="$products" -v l="$late" -v r="$rate" -v b="$bytes" -v R="$our_rate" -v B="$our_bytes" 'BEGIN {
            printf "%-6s %6s %5s %6s %7s | %8.2f %8.2f | %8.2f %8.2f | %6.3f %6.3f\n", kind, m, rtt, p, l, r, b * 8e-3 / m, R, B * 8e-3 / m, R / r, B / b
            exit (R / r < 0.9 || R / r > 1.1 || B / b < 0.75 || B / b > 1.25) }' || wrong=1
    done <<'LINES'
20 40 1
20 40 2
20 40 0.5
10 40 4
50 20 1
20 100 1
LINES
done
exit $wrong
