# What the tests in this folder share: a server and clients in offices made of namespaces, and checks. Sourced; the caller has set
# `bin` (its first argument). Runs itself again inside fresh namespaces; where these are forbidden the test is skipped (99).
set -u -o pipefail
bin=$1
# AddressSanitizer keeps freed memory for a while, which would look like growth.
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1"
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../scripts/lib/lab.sh"
if [ -z "${P2PDIST_LAB_INSIDE:-}" ]; then
    lab_enter bash "$0" "$@"
    exit $?
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/p2pdist-net.XXXXXX")
lab_start || exit 99
failures=0
processes=""
server_address=10.0.0.2
declare -A pid_of before

finish() {
    [ -n "$processes" ] && kill $processes 2>/dev/null
    wait 2>/dev/null
    [ "$failures" = 0 ] || tail -n 4 "$work"/*.log
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
check() { local what=$1; shift; if "$@"; then echo "ok: $what"; else fail "$what"; fi; }
on() { local host=$1; shift; ip netns exec "$host" "$@"; }
end_test() { [ "$failures" = 0 ] && echo "passed"; exit $((failures > 0)); }

# world [RATE]: a central office, two branches, a Wi-Fi office below the first, a VPN office.
world() {
    local rate=${1:-50mbit}
    lab_office central 10.0.0; lab_office boston 10.1.0; lab_office denver 10.2.0; lab_office wifi 10.3.0; lab_office vpn 10.4.0
    lab_link central boston 1 "$rate" 10.1.0.0/24 10.3.0.0/24 10.250.3.0/30
    lab_link central denver 2 "$rate" 10.2.0.0/24
    lab_link boston wifi 3 "$rate" 10.3.0.0/24
    lab_link central vpn 4 "$rate" 10.4.0.0/24
    cat >"$work/topology.csv" <<EOF
Office,Type,Parent,Subnet
Central,Default,,10.0.0.0/24
Boston,Default,Central,10.1.0.0/24
Denver,Default,Central,10.2.0.0/24
Boston Wi-Fi,Wi-Fi,Boston,10.3.0.0/24
Remote,VPN,Central,10.4.0.0/24
EOF
}

# start_server [OPTIONS...]: in the central office; the first time also init, topology and activation.
start_server() {
    if [ ! -d "$work/server" ]; then
        lab_host central server $server_address 1gbit
        "$bin/p2pdist-server" init --data "$work/server" --json >"$work/keys.json" || { fail "server init"; exit 1; }
        sed -n 's/.*"security_key":"\([^"]*\)".*/\1/p' "$work/keys.json" >"$work/security.key"
        sed -n 's/.*"enrolment_key":"\([^"]*\)".*/\1/p' "$work/keys.json" >"$work/enrolment.key"
        chmod 600 "$work/security.key" "$work/enrolment.key"
        mkdir "$work/packages"
        local first=yes
    fi
    ip netns exec server "$bin/p2pdist-server" run --data "$work/server" --bind $server_address "$@" 2>>"$work/server.log" &
    pid_of[server]=$!
    processes="$processes $!"
    wait_for 20 admin health || { fail "the server does not answer"; exit 1; }
    [ -z "${first:-}" ] && return
    admin topology import "$work/topology.csv" >/dev/null && admin activate --licence TEST-1 --seats 20 >/dev/null || { fail "activation"; exit 1; }
}
admin() { on server "$bin/p2pdist-admin" --server $server_address --bind $server_address --key-file "$work/security.key" "$@"; }

# start_client NAME OFFICE ADDRESS [OPTIONS...]; the host is made the first time.
start_client() {
    local name=$1 office=$2 address=$3
    shift 3
    [ -e "/run/netns/$name" ] || lab_host "$office" "$name" "$address" 1gbit
    ip netns exec "$name" "$bin/p2pdist-client" run --data "$work/$name" --server $server_address --enrolment-key-file "$work/enrolment.key" \
        --bind "$address" "$@" 2>>"$work/$name.log" &
    pid_of[$name]=$!
    processes="$processes $!"
}
client() { local name=$1 command=$2; shift 2; "$bin/p2pdist-client" "$command" --data "$work/$name" "$@"; }
is_active() { client "$1" status --json | grep -q '"activated":true'; }
wait_active() { local name; for name in "$@"; do wait_for 30 is_active "$name" || fail "$name did not register"; done; }

# start_get NAME ID: in the background; wait_gets SECONDS waits for all of them.
gets=""
start_get() {
    "$bin/p2pdist-client" get "$2" --data "$work/$1" --output "$work/$1.out" --json >"$work/$1.json" 2>"$work/$1.err" &
    gets="$gets $1:$!"
}
wait_gets() {
    local deadline=$(( $(date +%s) + $1 )) one
    for one in $gets; do
        while kill -0 "${one#*:}" 2>/dev/null; do
            [ "$(date +%s)" -lt "$deadline" ] || { fail "${one%:*} is not complete in time: $(tail -n 1 "$work/${one%:*}.json")"; kill "${one#*:}"; break; }
            sleep 0.1
        done
    done
    gets=""
}
field() { sed -n "s/.*\"$2\":\\(-\\?[0-9.]*\\).*/\\1/p" <<<"$1"; }
last() { tail -n 1 "$work/$1.json"; }
verified() { local v; v=$(field "$(client "$1" transfers --json 2>/dev/null)" verified); echo "${v:-0}"; }
at_least() { [ "$(field "$(last "$1")" verified)" -ge "$2" ] 2>/dev/null; }

# complete NAME FILE: the copy is whole, equal, and its sources add up.
complete() {
    local line sum=0 kind bytes
    line=$(last "$1")
    grep -q '"event":"complete"' <<<"$line" || { fail "$1: $line $(cat "$work/$1.err")"; return; }
    cmp -s "$2" "$work/$1.out" || fail "$1: the copy differs"
    for kind in store office ancestor server cdn file_store; do bytes=$(field "$line" $kind); sum=$((sum + ${bytes:-0})); done
    [ "$sum" = "$(stat -c %s "$2")" ] || fail "$1: sources add up to $sum: $line"
    echo "$1: $(sed 's/.*"sources"://' <<<"$line") in $(field "$line" seconds) s"
}
count_links() { local office; for office in "$@"; do before[$office]=$(lab_wan_bytes "$office"); done; }
# copies OFFICE SIZE LIMIT: at most so many copies crossed its WAN link since count_links, both directions.
copies() {
    local bytes=$(( $(lab_wan_bytes "$1") - ${before[$1]} )) value
    value=$(awk -v b="$bytes" -v s="$2" 'BEGIN { printf "%.3f", b / s }')
    echo "$1: $value copies"
    awk -v v="$value" -v l="$3" 'BEGIN { exit !(v <= l) }' || fail "$1's link carried $value copies, more than $3"
}
random_file() { head -c "$2" /dev/urandom >"$1"; }
