#!/bin/bash
# `kill -9` at any moment, of the server under publications and registrations and of clients in downloads: nothing that was acknowledged
# is lost, what was verified is not fetched again, no output file is ever wrong [REQ-SRV-6] [REQ-CLI-4] [REQ-CLI-6].
# Three kills of each; a hundred with P2PDIST_LONG_TESTS.
. "$(dirname "$0")/common.sh"
kills=3
[ -n "${P2PDIST_LONG_TESTS:-}" ] && kills=100
world 16mbit
start_server --file-store "$work/packages"
size=$((6 * 1048576))
publish_file() { random_file "$work/packages/app$1" $size; admin content publish "$work/packages/app$1" --id "app$1" >/dev/null; }
publish_file 1 || fail "publishing app1"
moment() { sleep "$(awk -v r=$RANDOM -v low="$1" -v high="$2" 'BEGIN { print low + (high - low) * r / 32768 }')"; }
hash_of() { printf 'sha256-tree:%064x' "$1"; }

# publisher: from a device of its own, since one connector at a time uses an address; as fast as the server takes them; an id that was acknowledged goes into a file.
publisher() {
    local n=0
    while [ ! -e "$work/enough" ]; do
        n=$((n + 1))
        timeout 30 ip netns exec desk "$bin/p2pdist-admin" --server $server_address --bind 10.0.0.9 --key-file "$work/security.key" \
            content publish --id "meta-$n" --size $((n * 10)) --hash "$(hash_of $n)" >/dev/null 2>&1 && echo "meta-$n" >>"$work/acknowledged"
    done
}

# life NAME OFFICE ADDRESS: runs, downloads, is killed; again and again. What it found wrong goes into a file, since it runs beside others.
life() {
    local name=$1 package=1 seen=0 line verified store fetched died=0 last pid getter deadline
    wrong() { echo "$name, package $package, death $died: $*" >>"$work/wrong"; }
    while :; do
        ip netns exec "$name" "$bin/p2pdist-client" run --data "$work/$name" --server $server_address --enrolment-key-file "$work/enrolment.key" \
            --bind "$3" 2>>"$work/$name.log" &
        pid=$!
        wait_for 20 client "$name" status >/dev/null 2>&1 || wrong "does not start"
        : >"$work/$name.json"
        "$bin/p2pdist-client" get "app$package" --data "$work/$name" --output "$work/$name.$package" --json >"$work/$name.json" 2>/dev/null &
        getter=$!
        last=no
        if [ $died -lt $kills ]; then
            # Not before it has gone on for a while, most times.
            deadline=$((SECONDS + RANDOM % 8))
            while [ $SECONDS -lt $deadline ] && ! at_least "$name" $((seen + 262144)); do sleep 0.1; done
            moment 0 0.8
            line=$(tail -n 1 "$work/$name.json")
            kill -9 $pid
            died=$((died + 1))
        else
            last=yes
            deadline=$((SECONDS + 180))
            while kill -0 $getter 2>/dev/null && [ $SECONDS -lt $deadline ]; do sleep 0.1; done
            kill $getter 2>/dev/null
            line=$(tail -n 1 "$work/$name.json")   # the client stays: others get it from there
            pid=""
        fi
        wait $pid $getter 2>/dev/null
        verified=$(field "$line" verified) store=$(field "$line" store)
        grep -q '"event":"complete"' <<<"$line" && verified=$size
        # What was said to be verified before must come out of the store now.
        if [ "${verified:-0}" -gt 0 ]; then
            [ "${store:-0}" -ge "$seen" ] || wrong "$seen bytes were verified, and only ${store:-0} of them are still there"
            [ -n "$store" ] && echo "$((${verified:-0} - store))" >>"$work/fetched.$name.$package"
            seen=$verified
        fi
        if [ -e "$work/$name.$package" ]; then
            cmp -s "$work/packages/app$package" "$work/$name.$package" || wrong "the output file is wrong"
            if grep -q '"event":"complete"' <<<"$line"; then
                fetched=$(awk '{ sum += $1 } END { print sum + 0 }' "$work/fetched.$name.$package" 2>/dev/null)
                [ "${fetched:-0}" -le $size ] || wrong "fetched $fetched bytes of $size"
                rm -f "$work/fetched.$name.$package"
                echo "app$package" >>"$work/complete.$name"
                [ $last = yes ] && break
                seen=0
                package=$((package % packages + 1))
                [ $package = 1 ] && { rm -rf "${work:?}/$name/store"; rm -f "$work/$name".[0-9]*; }   # from the start
            fi
        elif [ $last = yes ]; then
            wrong "is not complete: $line"
            break
        fi
    done
    echo "$name $died" >>"$work/died"
}

packages=3
for n in 2 3; do publish_file $n || fail "publishing app$n"; done
lab_host central desk 10.0.0.9 1gbit; lab_host central c1 10.0.0.11 1gbit; lab_host boston b1 10.1.0.11 1gbit; lab_host boston b2 10.1.0.12 1gbit
touch "$work/acknowledged" "$work/wrong" "$work/died"
publisher & publishing=$!
life c1 central 10.0.0.11 & first=$!
life b1 boston 10.1.0.11 & second=$!
life b2 boston 10.1.0.12 & third=$!
processes="$processes $publishing $first $second $third"

# The server: killed, looked at, and started again.
for ((death = 1; death <= kills; ++death)); do
    moment 0.3 2.5
    cp "$work/acknowledged" "$work/before"
    kill -9 "${pid_of[server]}"
    wait "${pid_of[server]}" 2>/dev/null
    start_server --file-store "$work/packages"
    admin content list --json >"$work/list.json" || { fail "no list after death $death"; continue; }
    grep -o '"content":"meta-[0-9]*"' "$work/list.json" | cut -d'"' -f4 | sort >"$work/listed"
    missing=$(sort "$work/before" | comm -23 - "$work/listed" | tee -a "$work/missing" | wc -l)
    [ "$missing" = 0 ] || fail "$missing publications were acknowledged before death $death and are gone"
done
wait $first $second $third
touch "$work/enough"
wait $publishing
while read -r what; do fail "$what"; done <"$work/wrong"
check "publications were acknowledged between the deaths" test "$(wc -l <"$work/acknowledged")" -ge "$kills"
check "$(wc -l <"$work/acknowledged") publications were acknowledged, and none was lost in $kills deaths of the server" test ! -s "$work/missing"
check "every client died $kills times and completed after it: $(tr '\n' ',' <"$work/died")" test "$(wc -l <"$work/died")" = 3
for name in c1 b1 b2; do
    check "$name is in the database, and got $(wc -l <"$work/complete.$name") packages whole" \
        grep -q "\"address\":\"$(ip netns exec $name ip -4 -o addr show eth0 | sed 's/.*inet \([0-9.]*\).*/\1/')\"" <<<"$(admin clients --json)"
done
end_test
