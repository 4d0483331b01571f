#!/bin/bash
# The connector's channel from outside, with another program's DTLS: who has the key gets in, nobody else does, and whoever only knocks
# leaves nothing behind [REQ-CON-1] [REQ-CON-2].
. "$(dirname "$0")/common.sh"
command -v openssl >/dev/null || exit 99
openssl ciphers ECDHE-PSK-CHACHA20-POLY1305 >/dev/null 2>&1 || exit 99
world
start_server
lab_host central desk 10.0.0.9 1gbit
key=$(tr -d '\n -' <"$work/security.key")
wrong=$(printf '%s' "$key" | tr '0123456789abcdef' '123456789abcdef0')

# knock SECONDS OPTIONS...: a handshake from the connector's port; its account is in $work/knock.
knock() {
    local seconds=$1
    shift
    (sleep 1; echo Q) | on desk timeout "$seconds" openssl s_client -connect $server_address:34323 -bind 10.0.0.9:34320 "$@" >"$work/knock" 2>&1
}
psk() { knock "$1" -dtls1_2 -cipher ECDHE-PSK-CHACHA20-POLY1305 -psk_identity "${3:-p2pdist}" -psk "$2" "${@:4}"; }
opened() { grep -q 'Cipher is ECDHE-PSK-CHACHA20-POLY1305' "$work/knock" && grep -q '^DONE' "$work/knock"; }
refused() { ! grep -q '^DONE' "$work/knock"; }
resident() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/${pid_of[server]}/status"; }

psk 10 "$key" p2pdist -state -sess_out "$work/session"
check "the right key: handshake" opened
check "DTLS 1.2" grep -q 'DTLSv1.2' "$work/knock"
check "a cookie was asked for first" grep -q 'read hello verify request' "$work/knock"
check "no session ticket is given" test "$(grep -c 'session ticket' "$work/knock")" = 0
psk 10 "$key" p2pdist -sess_in "$work/session"
check "an earlier session is not taken up again" bash -c "! grep -q '^Reused' '$work/knock'"
(sleep 1; echo R; sleep 2; echo Q) | on desk timeout 8 openssl s_client -dtls1_2 -connect $server_address:34323 -bind 10.0.0.9:34320 \
    -cipher ECDHE-PSK-CHACHA20-POLY1305 -psk_identity p2pdist -psk "$key" -state >"$work/knock" 2>&1
check "no second handshake inside a channel ($(grep -c 'read server hello' "$work/knock"), after $(grep -c RENEGOTIATING "$work/knock") requests)" test "$(grep -c 'read server hello' "$work/knock")" = 1
psk 4 "$wrong"
check "a wrong key: refused" refused
psk 4 "$key" somebody
check "another identity: refused" refused
knock 4 -dtls1_2
check "no key: refused" refused
knock 4 -dtls1_2 -cipher PSK-AES128-GCM-SHA256:ECDHE-PSK-AES128-CBC-SHA256:PSK-CHACHA20-POLY1305:DHE-PSK-CHACHA20-POLY1305 -psk_identity p2pdist -psk "$key"
check "the key with another cipher: refused" refused
knock 4 -dtls1 -cipher 'ALL:@SECLEVEL=0' -psk_identity p2pdist -psk "$key"
check "the key with DTLS 1.0: refused" refused
check "the connector still gets in" admin health

# Hellos without a cookie, each from another port: answered by no more than they bring, and forgotten.
hello='\x16\xfe\xfd\0\0\0\0\0\0\0\0\0\x36\x01\0\0\x2a\0\0\0\0\0\0\0\x2a\xfe\xfd'$(printf '\\x5a%.0s' {1..32})'\0\0\0\x02\xcc\xac\x01\0'
cat >"$work/flood.sh" <<END
exec 3<>/dev/udp/$server_address/34323
printf '$hello' >&3
timeout 2 dd bs=2048 count=1 <&3 2>/dev/null | wc -c
exec 3>&-
for i in {1..COUNT}; do exec 3>/dev/udp/$server_address/34323; printf '$hello' >&3; exec 3>&-; done
END
flood() { sed "s/COUNT/$1/" "$work/flood.sh" | on desk bash; }
answer=$(flood 2000)
check "a hello is answered by a cookie, in $answer bytes for 67" test "$answer" -gt 30 -a "$answer" -le 67
before_flood=$(resident)
flood 20000 >/dev/null
after_flood=$(resident)
check "20000 hellos left nothing behind ($before_flood KiB, then $after_flood KiB)" test $((after_flood - before_flood)) -le 2048  # 100 bytes a hello
(flood 5000 >/dev/null) &
check "the connector gets in among them" admin health
wait $!

# CON-1: one connector on an address. The second waits, and then says who holds the port.
hold() { (sleep "$1"; echo Q) | on desk openssl s_client -dtls1_2 -connect $server_address:34323 -bind 10.0.0.9:34320 -cipher ECDHE-PSK-CHACHA20-POLY1305 \
    -psk_identity p2pdist -psk "$key" >/dev/null 2>&1 & holder=$!; sleep 0.5; }
desk() { on desk "$bin/p2pdist-admin" --server $server_address --bind 10.0.0.9 --key-file "$work/security.key" "$@" 2>"$work/desk.err"; }
hold 2
check "a second connector waits for the first to end" desk health
wait $holder
hold 9
desk health && fail "two connectors on one address"
check "and then says who holds the port: $(cat "$work/desk.err")" grep -q '34320.*by openssl, process [0-9]' "$work/desk.err"
wait $holder

# A new security key ends the channels of the old one.
ip netns exec desk bash -c "timeout 8 openssl s_client -dtls1_2 -connect $server_address:34323 -bind 10.0.0.9:34320 \
    -cipher ECDHE-PSK-CHACHA20-POLY1305 -psk_identity p2pdist -psk $key < <(sleep 6); date +%s%N" >"$work/knock" 2>&1 &
holder=$!
sleep 1.5
"$bin/p2pdist-server" key rotate --security --data "$work/server" --json >"$work/rotated.json" || fail "key rotate"
rotated=$(date +%s%N)
wait $holder
took=$(( ($(tail -n 1 "$work/knock") - rotated) / 1000000 ))
check "the old key's channel ended $took ms after the rotation" test "$took" -le 1000
desk health --timeout 3 && fail "the old key still gets in"
sed -n 's/.*"security_key":"\([^"]*\)".*/\1/p' "$work/rotated.json" >"$work/security.key"
check "the new key gets in" desk health
end_test
