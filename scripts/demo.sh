#!/bin/bash
# The main job, live: a server, a central office with 2 clients, two branch offices with 3 clients each and a Wi-Fi child office with
# 2, joined by 50 Mbit/s links. A package is published, all clients want it at once; a table shows the progress, then a summary of
# what every client and every link did. The exit code is non-zero if anything is not as it should be.
#
#   scripts/demo.sh [PACKAGE-FILE]      P2PDIST_BUILD_DIR: where to build (default: build/demo)
set -u -o pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib/install.sh"
. "$root/scripts/lib/lab.sh"
build=${P2PDIST_BUILD_DIR:-$root/build/demo}

prepare() {
    install_packages $p2pdist_build_packages $p2pdist_run_packages || exit 1
    echo "building (release) in ${build#"$root"/}"
    cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=6 \
        -DP2PDIST_BUILD_TESTS=OFF -DP2PDIST_BUILD_EXAMPLES=OFF >"$build.log" 2>&1 &&
        cmake --build "$build" >>"$build.log" 2>&1 || { tail -n 30 "$build.log" >&2; echo "the build failed; see $build.log" >&2; exit 1; }
}

# A real package of at least 64 MB from the package archive; random bytes where none can be had.
fetch_package() {
    local name
    for name in firefox-esr linux-image-amd64; do
        [ "$name" = linux-image-amd64 ] && name=$(apt-cache depends "$name" 2>/dev/null | sed -n 's/ *Depends: //p' | head -n 1)
        (cd "$1" && apt-get download -qq -o APT::Sandbox::User=root "$name" >/dev/null 2>&1)
        package=$(find "$1" -name '*.deb' -size +64M | head -n 1)
        [ -n "$package" ] && return 0
    done
    package=$1/package.bin
    echo "no package of 64 MB can be downloaded here: taking random bytes"
    head -c 67108864 /dev/urandom >"$package"
}

if [ -z "${P2PDIST_LAB_INSIDE:-}" ]; then
    mkdir -p "$(dirname "$build")"
    prepare
    work=$(mktemp -d "${TMPDIR:-/tmp}/p2pdist-demo.XXXXXX") || exit 1
    child=""
    trap 'rm -rf "$work"' EXIT
    trap '[ -n "$child" ] && kill -TERM "$child" 2>/dev/null; wait 2>/dev/null; exit 130' INT TERM
    package=${1:-}
    [ -n "$package" ] || fetch_package "$work"
    lab_enter bash "$0" "$work" "$build/bin" "$(realpath "$package")" namespaces &
    child=$!
    wait "$child"
    status=$?
    if [ "$status" = 99 ]; then
        echo "namespaces are forbidden here: running on loopback subnets"
        P2PDIST_LAB_INSIDE=yes bash "$0" "$work" "$build/bin" "$(realpath "$package")" loopback &
        child=$!
        wait "$child"
        status=$?
    fi
    exit "$status"
fi

# ---- inside
work=$1 bin=$2 package=$3 mode=$4
failures=0
processes=""
say() { printf '%s\n' "$*"; }
fail() { say "FAILED: $*"; failures=$((failures + 1)); }
finish() { [ -n "$processes" ] && kill $processes 2>/dev/null; wait 2>/dev/null; }
trap finish EXIT
trap 'exit 130' INT TERM

#        name  office  address (namespaces)  address (loopback)
clients="c1 central 10.0.0.11 127.1.0.11
c2 central 10.0.0.12 127.1.0.12
b1 boston 10.1.0.11 127.2.0.11
b2 boston 10.1.0.12 127.2.0.12
b3 boston 10.1.0.13 127.2.0.13
d1 denver 10.2.0.11 127.3.0.11
d2 denver 10.2.0.12 127.3.0.12
d3 denver 10.2.0.13 127.3.0.13
w1 wifi 10.3.0.11 127.4.0.11
w2 wifi 10.3.0.12 127.4.0.12"
offices="boston denver wifi"

# start_on HOST COMMAND... &: the background process is the command itself, so that ending it ends the command.
if [ "$mode" = namespaces ]; then
    lab_start || exit 99
    lab_office central 10.0.0; lab_office boston 10.1.0; lab_office denver 10.2.0; lab_office wifi 10.3.0
    lab_link central boston 1 50mbit 10.1.0.0/24 10.3.0.0/24 10.250.3.0/30
    lab_link central denver 2 50mbit 10.2.0.0/24
    lab_link boston wifi 3 50mbit 10.3.0.0/24
    lab_host central server 10.0.0.2 1gbit
    server_address=10.0.0.2
    on() { local host=$1; shift; ip netns exec "$host" "$@"; }
    start_on() { local host=$1; shift; exec ip netns exec "$host" "$@"; }
    subnets="10.0.0.0/24 10.1.0.0/24 10.2.0.0/24 10.3.0.0/24"
else
    server_address=127.1.0.2
    on() { shift; "$@"; }
    start_on() { shift; exec "$@"; }
    subnets="127.1.0.0/16 127.2.0.0/16 127.3.0.0/16 127.4.0.0/16"
fi
set -- $subnets
cat >"$work/topology.csv" <<EOF
Office,Type,Parent,Subnet
Central,Default,,$1
Boston,Default,Central,$2
Denver,Default,Central,$3
Boston Wi-Fi,Wi-Fi,Boston,$4
EOF

say "== a server"
"$bin/p2pdist-server" init --data "$work/server" --json >"$work/keys.json" || exit 1
sed -n 's/.*"security_key":"\([^"]*\)".*/\1/p' "$work/keys.json" >"$work/security.key"
sed -n 's/.*"enrolment_key":"\([^"]*\)".*/\1/p' "$work/keys.json" >"$work/enrolment.key"
chmod 600 "$work/security.key" "$work/enrolment.key"
mkdir "$work/packages"
start_on server "$bin/p2pdist-server" run --data "$work/server" --bind "$server_address" --file-store "$work/packages" 2>"$work/server.log" &
processes="$processes $!"
admin() { on server "$bin/p2pdist-admin" --server "$server_address" --bind "$server_address" --key-file "$work/security.key" "$@"; }
wait_for 15 admin health || { cat "$work/server.log"; fail "the server does not answer"; exit 1; }
admin topology import "$work/topology.csv" || exit 1
admin activate --licence DEMO-0000-0000-0001 --seats 10 || exit 1

say "== ten clients in four offices"
while read -r name office address loopback; do
    [ "$mode" = namespaces ] || address=$loopback
    extra=""
    [ "$mode" = namespaces ] || extra="--broadcast 127.255.255.255"
    [ "$mode" = namespaces ] && lab_host "$office" "$name" "$address" 1gbit
    start_on "$name" "$bin/p2pdist-client" run --data "$work/$name" --server "$server_address" --enrolment-key-file "$work/enrolment.key" \
        --bind "$address" $extra 2>"$work/$name.log" &
    processes="$processes $!"
done <<<"$clients"
registered() { "$bin/p2pdist-client" status --data "$work/$1" --json | grep -q '"activated":true'; }
while read -r name _; do wait_for 30 registered "$name" || { tail -n 5 "$work/$name.log"; fail "$name did not register"; }; done <<<"$clients"
[ "$failures" = 0 ] || exit 1

size=$(stat -c %s "$package")
id=$(basename "$package")
ln "$package" "$work/packages/$id" 2>/dev/null || cp "$package" "$work/packages/$id"
admin content publish "$package" --id "$id" || exit 1
declare -A before
[ "$mode" = namespaces ] && for office in $offices; do before[$office]=$(lab_wan_bytes "$office"); done

say "== all of them want $id ($((size / 1048576)) MiB) now"
started=$(date +%s)
gets=""
while read -r name _; do
    "$bin/p2pdist-client" get "$id" --data "$work/$name" --output "$work/$name.out" --json >"$work/$name.json" 2>"$work/$name.err" &
    gets="$gets $!"
done <<<"$clients"

field() { sed -n "s/.*\"$2\":\\([0-9.]*\\).*/\\1/p" <<<"$1"; }
word() { sed -n "s/.*\"$2\":\"\\([^\"]*\\)\".*/\\1/p" <<<"$1"; }
show_table() {
    local name office line verified
    local clear=""
    [ -t 1 ] && clear=$'\033[K' && [ "${shown:-}" = yes ] && printf '\033[%dA' 11
    shown=yes
    printf '%-5s %-8s %5s  %12s  %s%s\n' "" office "%" "Mbit/s" state "$clear"
    while read -r name office _; do
        line=$(tail -n 1 "$work/$name.json" 2>/dev/null)
        verified=$(field "$line" verified)
        [ "$(word "$line" event)" = complete ] && verified=$size
        printf '%-5s %-8s %5d  %12.1f  %s%s\n' "$name" "$office" $((100 * ${verified:-0} / size)) \
            "$(awk -v r="$(field "$line" bytes_per_second)" 'BEGIN { print r * 8 / 1e6 }')" "$(word "$line" event | sed 's/progress//')$(word "$line" state)" "$clear"
    done <<<"$clients"
}
running() { local one; for one in $gets; do kill -0 "$one" 2>/dev/null && return 0; done; return 1; }
limit=$((started + 300))
while running && [ "$(date +%s)" -lt "$limit" ]; do
    [ -t 1 ] && show_table
    sleep 1
done
running && { fail "not all clients completed within 300 s"; kill $gets 2>/dev/null; }
shown="" ; show_table

say "" ; say "== per client"
want=$(sha256sum <"$package" | cut -d' ' -f1)
printf '%-5s %-8s %8s  %-60s %s\n' "" office seconds "sources (bytes)" sha256
while read -r name office _; do
    line=$(tail -n 1 "$work/$name.json")
    have=$(sha256sum <"$work/$name.out" 2>/dev/null | cut -d' ' -f1)
    split=""
    for kind in store office ancestor server cdn file_store; do
        bytes=$(field "$line" "$kind")
        [ "${bytes:-0}" != 0 ] && split="$split $kind=$bytes"
    done
    printf '%-5s %-8s %8.1f  %-60s %s\n' "$name" "$office" "$(field "$line" seconds)" "$split" "${have:0:16}…"
    [ "$(word "$line" event)" = complete ] || fail "$name: $(word "$line" error)$(cat "$work/$name.err")"
    [ "$have" = "$want" ] || fail "$name has another sha256"
done <<<"$clients"

say "" ; say "== per link, both directions"
if [ "$mode" = namespaces ]; then
    for office in $offices; do
        bytes=$(( $(lab_wan_bytes "$office") - ${before[$office]} ))
        copies=$(awk -v b="$bytes" -v s="$size" 'BEGIN { printf "%.3f", b / s }')
        say "$office: $bytes IP bytes by the kernel's count = $copies copies"
        awk -v c="$copies" 'BEGIN { exit !(c <= 1.08) }' || fail "$office's link carried $copies copies, more than 1.08"
    done
else
    sleep 3
    admin links
    say "bytes by own ledger"
    while read -r office_copies; do
        awk -v c="$office_copies" 'BEGIN { exit !(c <= 1.01) }' || fail "a link carried $office_copies copies by the ledger"
    done < <(admin links --json | grep -o '"bytes_in":[0-9]*' | cut -d: -f2 | awk -v s="$size" '{ printf "%.3f\n", $1 / s }')
fi
say ""
if [ "$failures" = 0 ]; then say "all as it should be: $(( $(date +%s) - started )) s"; else say "$failures things are not as they should be (logs: see above)"; tail -n 3 "$work"/*.log; fi
exit $((failures > 0))
