#!/bin/bash
# `--output` is written with the rights of whoever asks, and only he who may is served at all [REQ-CLI-1] [REQ-CLI-6].
. "$(dirname "$0")/common.sh"
[ "$(id -u)" = 0 ] || exit 99
nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
nobody true 2>/dev/null || exit 99
world
start_server --file-store "$work/packages"
start_client c1 central 10.0.0.11
wait_active c1
size=3000000
random_file "$work/packages/app" $size
admin content publish "$work/packages/app" --id app >/dev/null || fail publish
out=$work/out
mkdir "$out"
get() { client c1 get app --output "$@" >"$work/get.out" 2>&1; }
same() { cmp -s "$work/packages/app" "$1"; }
only() { [ "$(ls -A "$out")" = "$1" ]; }

check "a plain output" get "$out/app"
check "is the package" same "$out/app"
check "and all that is there" only app
check "again, over what is there" get "$out/app"

# Links: the name is replaced, what it points to stays as it was.
echo precious >"$work/precious"
ln -sf "$work/precious" "$out/app"
check "over a symbolic link" get "$out/app"
check "is a file of its own" test ! -L "$out/app"
check "what it pointed to is untouched" grep -q '^precious$' "$work/precious"
rm -f "$out"/* "$out"/.[!.]*
ln -s "$work/precious" "$out/.app.p2pdist-part"
check "with a link where its temporary file could be" get "$out/app"
check "untouched too" grep -q '^precious$' "$work/precious"
check "is the package" same "$out/app"
ln -f "$work/precious" "$out/app"
check "over a hard link" get "$out/app"
check "whose other name is untouched" grep -q '^precious$' "$work/precious"
mkdir "$out/folder"
get "$out/folder" && fail "a directory was replaced"
mkfifo "$out/pipe"
get "$out/pipe" && fail "a pipe was replaced"
get /dev/null && fail "/dev/null was replaced"
check "/dev/null is a device" test -c /dev/null
get "$out/missing/app" && fail "a directory was made"
rm -rf "$out"/* "$out"/.[!.]*

# Another user: is not served, whatever the file's mode; and cannot pose as the client.
chmod 755 "$work" && chmod 755 "$work/c1"
nobody "$bin/p2pdist-client" get app --data "$work/c1" --output /tmp/x >"$work/get.out" 2>&1 && fail "another user was served"
chmod 666 "$work/c1/control.sock"
nobody "$bin/p2pdist-client" status --data "$work/c1" --json >"$work/get.out" 2>&1 && fail "another user was served where the mode allows it"
check "nothing was told to him" bash -c "! grep -q server_reachable '$work/get.out'"
chmod 600 "$work/c1/control.sock"
mkdir "$work/trap"
if command -v python3 >/dev/null; then
    chown 65534:65534 "$work/trap"
    python3 -c "
import os, socket
os.setgroups([]); os.setgid(65534); os.setuid(65534)
s = socket.socket(socket.AF_UNIX); s.bind('$work/trap/control.sock'); s.listen()
c, _ = s.accept(); c.settimeout(3)
open('$work/trap/heard', 'wb').write(c.recv(4096))" 2>/dev/null &
    trap_pid=$!
    processes="$processes $trap_pid"
    wait_for 5 test -S "$work/trap/control.sock"
    chown 0:0 "$work/trap"
    "$bin/p2pdist-client" get app --data "$work/trap" --output "$out/app" >"$work/get.out" 2>&1 && fail "somebody else's program was believed"
    check "who listens there is said: $(cat "$work/get.out")" grep -q 'not run by the owner' "$work/get.out"
    check "and it heard nothing" test ! -s "$work/trap/heard"
    check "and nothing was written" only ""
    # A client that runs as an ordinary user: root's output goes where root may write, and that user may not.
    mkdir "$work/user"
    chown 65534:65534 "$work/user"
    lab_host central c2 10.0.0.12 1gbit
    cp "$work/enrolment.key" "$work/user.key"; chown 65534 "$work/user.key"
    ip netns exec c2 setpriv --reuid=65534 --regid=65534 --clear-groups "$bin/p2pdist-client" run --data "$work/user" --server $server_address \
        --enrolment-key-file "$work/user.key" --bind 10.0.0.12 2>>"$work/c2.log" &
    processes="$processes $!"
    wait_for 30 bash -c "'$bin/p2pdist-client' status --data '$work/user' --json | grep -q '\"activated\":true'" || fail "c2 did not register"
    chmod 700 "$out"
    check "an ordinary user's client serves root" "$bin/p2pdist-client" get app --data "$work/user" --output "$out/app"
    check "whole" same "$out/app"
    check "and root owns it" test "$(stat -c %u "$out/app")" = 0

    # Garbage on the socket.
    python3 - "$work/c1/control.sock" <<'END'
import array, os, random, socket, sys
random.seed(1)
def connect():
    s = socket.socket(socket.AF_UNIX); s.settimeout(5); s.connect(sys.argv[1]); return s
def say(data, fds=()):
    s = connect()
    try:
        s.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
        s.shutdown(socket.SHUT_WR)
        answer = b""
        while (part := s.recv(4096)): answer += part
    except OSError: answer = b""
    s.close()
    return answer
for _ in range(300): say(bytes(random.randrange(256) for _ in range(random.randrange(1, 300))) + b"\n")
for text in (b"{}", b"[]", b"[" * 8000, b"null", b"1e999", b'{"command":7}', b'{"command":"get"}', b'{"command":"get","content":"\xff"}',
             b'{"command":"get","content":["app"]}', b'{"command":"explain","content":"' + b"a" * 9000 + b'"}', b"x" * 20000): say(text + b"\n")
read_only = os.open("/etc/hostname" if os.path.exists("/etc/hostname") else "/etc/passwd", os.O_RDONLY)
reader, writer = os.pipe()
null = os.open("/dev/null", os.O_WRONLY)
get = b'{"command":"get","content":"app","descriptor":true}\n'
for fds in ((), (read_only,), (writer,), (null,), (connect().fileno(),)): assert b'"failed"' in say(get, fds), fds
assert b'"failed"' in say(b'{"command":"get","content":"app","output":"/tmp/p2pdist-pwned"}\n')
assert not os.path.exists("/tmp/p2pdist-pwned")
for _ in range(50): say(b'{"command":"status"}\n', [read_only] * 60)
held = [connect() for _ in range(80)]
END
    check "garbage was answered as such" test $? = 0
    check "no descriptor is left behind" test "$(ls "/proc/${pid_of[c1]}/fd" | wc -l)" -lt 60
fi
check "the client goes on" get "$out/app"
check "whole" same "$out/app"

# A data directory whose path is too long for a socket: it stands in a directory that belongs to the same user, or nowhere.
long=$work/$(printf 'long-%.0s' {1..30})
place=/tmp/p2pdist-0
if [ ! -e $place ]; then
    mkdir -m 700 $place && chown 65534 $place
    lab_host central c3 10.0.0.13 1gbit
    timeout 10 ip netns exec c3 "$bin/p2pdist-client" run --data "$long" --server $server_address --enrolment-key-file "$work/enrolment.key" --bind 10.0.0.13 \
        >"$work/get.out" 2>&1
    check "a socket directory of somebody else's is not used: $(tail -n 1 "$work/get.out")" grep -q 'belongs to somebody else' "$work/get.out"
    rm -rf $place
    ip netns exec c3 "$bin/p2pdist-client" run --data "$long" --server $server_address --enrolment-key-file "$work/enrolment.key" --bind 10.0.0.13 2>>"$work/c3.log" &
    processes="$processes $!"
    wait_for 30 bash -c "'$bin/p2pdist-client' status --data '$long' --json | grep -q '\"activated\":true'" || fail "a long path: $(tail -n 2 "$work/c3.log")"
    check "its mode is for its owner alone" test "$(stat -c %a $place)" = 700
    rm -rf $place
fi
end_test
