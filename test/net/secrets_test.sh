#!/bin/bash
# No secret shows: in logs, arguments, environments, the database, other users' files, answers, or the text of a core file
# [REQ-SEC-1] [REQ-CON-3] [REQ-SRC-2].
. "$(dirname "$0")/common.sh"
world
start_server --log-level debug --file-store "$work/packages"
password=pw-$RANDOM$RANDOM$RANDOM
licence=LICENCE-$RANDOM$RANDOM$RANDOM
start_client c1 central 10.0.0.11 --log-level debug --cdn "http://somebody:$password@10.0.0.77:81/base"
start_client b1 boston 10.1.0.11 --log-level debug
wait_active c1 b1

# Everything that is secret, as text and as digits of its bytes.
hex() { od -An -tx1 -v "$1" | tr -d ' \n'; }
plain() { tr -d ' \n-' <"$1"; }
{
    echo "$password"; echo "$licence"
    for key in security enrolment; do cat "$work/$key.key"; plain "$work/$key.key"; echo; done
    for key in "$work"/server/keys/*.key; do cat "$key"; plain "$key"; echo; done
} | sort -u | sed '/^$/d' >"$work/texts"
{
    for key in "$work"/server/keys/*.key; do plain "$key"; echo; done
    for name in c1 b1; do hex "$work/$name/identity.key"; echo; done
    for word in "$password" "$licence"; do printf '%s' "$word" | od -An -tx1 -v | tr -d ' \n'; echo; done
} >"$work/digits"
clean() { grep -a -q -F -f "$work/texts" "$@"; [ $? = 1 ]; }  # 2: it could not read them all
clean_bytes() { local file; for file in "$@"; do [ -s "$file" ] || continue; hex "$file" | grep -q -F -f "$work/digits" && return 1; done; return 0; }
clean "$work/server/keys/security.key" && fail "the test does not find what it looks for"
clean_bytes "$work/c1/identity.key" && fail "the test does not find what it looks for"

# A command line with a licence key, held up in the middle; the same from the environment.
kill -STOP "${pid_of[server]}"
ip netns exec server "$bin/p2pdist-admin" --server $server_address --bind $server_address --key-file "$work/security.key" activate --licence "$licence" --seats 20 \
    >"$work/activate.out" 2>&1 &
asking=$!
sleep 1
tr '\0' ' ' <"/proc/$asking/cmdline" >"$work/cmdline.admin"
check "the held-up command shows" grep -q 'activate' "$work/cmdline.admin"
check "its arguments don't show the licence key" clean "$work/cmdline.admin"
kill -CONT "${pid_of[server]}"
wait $asking || fail "activate: $(cat "$work/activate.out")"
kill -STOP "${pid_of[server]}"
P2PDIST_LICENCE=$licence ip netns exec server "$bin/p2pdist-admin" --server $server_address --bind $server_address --key-file "$work/security.key" activate --seats 20 \
    >"$work/activate2.out" 2>&1 &
asking=$!
sleep 1
tr '\0' '\n' <"/proc/$asking/environ" >"$work/environ.admin"
check "the environment was read" grep -q '^P2PDIST_LICENCE=\*' "$work/environ.admin"
check "it doesn't show the licence key any more" clean "$work/environ.admin"
kill -CONT "${pid_of[server]}"
wait $asking || fail "activate: $(cat "$work/activate2.out")"

random_file "$work/packages/app" 3000000
admin content publish "$work/packages/app" --id app >/dev/null || fail publish
start_get b1 app
start_get c1 app
wait_gets 60
complete b1 "$work/packages/app"
complete c1 "$work/packages/app"
# Errors, too: a source with a password that is not there, a wrong key file, a setting with a password.
admin content publish --id nowhere --size 1000 --hash "sha256:$(head -c 32 /dev/zero | od -An -tx1 -v | tr -d ' \n')" >/dev/null
timeout 5 "$bin/p2pdist-client" get nowhere --data "$work/c1" --output "$work/c1.nowhere" >"$work/c1.err2" 2>&1
admin settings set cdn "http://somebody:$password@10.0.0.77/" >"$work/settings.out" 2>&1 && fail "a password for everybody"
printf '%sff\n' "$(plain "$work/security.key")" >"$work/long.key"
on server "$bin/p2pdist-admin" --server $server_address --bind $server_address --key-file "$work/long.key" health >"$work/long.out" 2>&1
ip netns exec c1 "$bin/p2pdist-client" run --data "$work/other" --server $server_address --enrolment-key-file "$work/long.key" --bind 10.0.0.11 >"$work/other.out" 2>&1
ip netns exec c1 "$bin/p2pdist-client" run --data "$work/other" --server $server_address --enrolment-key-file "$work/enrolment.key" --bind 10.0.0.11 \
    --cdn "ftp://somebody:$password@10.0.0.77/" >"$work/other2.out" 2>&1

for pid in "${pid_of[server]}" "${pid_of[c1]}" "${pid_of[b1]}"; do
    tr '\0' ' ' <"/proc/$pid/cmdline" >"$work/cmdline.$pid"
    tr '\0' '\n' <"/proc/$pid/environ" >"$work/environ.$pid"
    check "process $pid shows no secret" clean "$work/cmdline.$pid" "$work/environ.$pid"
    check "process $pid leaves no core file" grep -q '^Max core file size *0 *0' "/proc/$pid/limits"
done
check "the logs are there and detailed" grep -q ' debug ' "$work/c1.log" "$work/b1.log" "$work/server.log"
check "no secret in the logs" clean "$work"/*.log
check "nor in errors and answers" clean "$work"/*.err "$work"/*.err2 "$work"/*.out
for report in "health --json" "licences --json" "clients --json" "settings show --json"; do admin $report; done >"$work/reports" 2>&1
for view in status peers transfers; do client c1 $view --json; done >>"$work/reports" 2>&1
client c1 explain app --json >>"$work/reports" 2>&1
check "nor in reports" clean "$work/reports"
sync
check "no secret in the database" clean "$work"/server/catalogue.sqlite*
check "nor as bytes" clean_bytes "$work"/server/catalogue.sqlite*
check "the database is there" test -s "$work/server/catalogue.sqlite"
check "key files are for their owner alone" test -z "$(find "$work/server/keys" "$work/c1/identity.key" "$work/c1/credentials" -type f ! -perm 0600)"
others=$(find "$work/server" "$work/c1" "$work/b1" -type f ! -perm 0600)
check "no file that others may read holds a secret" clean $others
check "nor as bytes" clean_bytes $others

# A core file has the process's memory, and so its keys; but not as a text that anybody could copy and paste. The memory is read as it is:
# a core file of a program with AddressSanitizer holds the sanitizer's tables too, which fill any disk.
# in_memory PID FILE: whether a line of FILE stands in the process's memory; 2: it could not be looked for.
in_memory() {
    python3 - "$1" "$2" <<'END'
import sys
texts = [line for line in open(sys.argv[2], "rb").read().split(b"\n") if line]
longest = max((len(text) for text in texts), default=0)
found = False
try:
    with open(f"/proc/{sys.argv[1]}/maps") as maps, open(f"/proc/{sys.argv[1]}/mem", "rb", buffering=0) as memory:
        for line in maps:
            at, end = (int(part, 16) for part in line.split()[0].split("-"))
            if line.split()[1][0] != "r" or end - at > 1 << 34 or line.rstrip().endswith(("[vvar]", "[vsyscall]")):
                continue  # nothing but the sanitizer's tables is so large
            tail = b""
            while at < end:
                memory.seek(at)
                try:
                    part = memory.read(min(end - at, 1 << 20))
                except OSError:  # a page beyond the end of its file
                    part = b""
                at += len(part) or 4096
                tail += part
                found = found or any(text in tail for text in texts)
                tail = tail[-longest:]
except OSError as error:
    print(error)
    sys.exit(2)
sys.exit(2 if not texts else 0 if found else 1)
END
}
not_in_memory() { in_memory "$@"; [ $? = 1 ]; }
if command -v python3 >/dev/null; then
    { plain "$work/security.key"; echo; plain "$work/enrolment.key"; echo; cat "$work/security.key" "$work/enrolment.key"; } >"$work/keys.text"
    for name in server c1; do
        echo "$work/$name" >"$work/known.text"   # its data directory, so that we see that we see
        check "the memory of $name was read" in_memory "${pid_of[$name]}" "$work/known.text"
        check "no key as text in it" not_in_memory "${pid_of[$name]}" "$work/keys.text"
    done
fi
end_test
