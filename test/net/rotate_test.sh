#!/bin/bash
# What is taken back under running downloads: the enrolment key, the security key, and one client
# [REQ-SEC-1] [REQ-SEC-2] [REQ-CON-2].
. "$(dirname "$0")/common.sh"
world 10mbit
start_server --file-store "$work/packages"
size=$((24 * 1048576))
random_file "$work/packages/app" $size
start_client c1 central 10.0.0.11
start_client b1 boston 10.1.0.11
start_client b2 boston 10.1.0.12
start_client d1 denver 10.2.0.11
wait_active c1 b1 b2 d1
admin content publish "$work/packages/app" --id app >/dev/null || fail publish
for name in b1 b2 d1; do start_get $name app; done
wait_for 60 at_least b1 $((size / 8)) || fail "b1 does not get on: $(last b1)"

# One client of Boston is shut out.
id=$(client b2 status --json | sed -n 's/.*"id":"\([0-9a-f]*\)".*/\1/p' | head -n 1)
admin clients revoke "$id" --reason "left on a train" >/dev/null || fail revoke
revoked() { client b2 status --json | grep -q '"revoked":true'; }
check "the revoked client says so" wait_for 5 revoked
check "the administrator sees it" grep -q '"revocation_reason":"left on a train"' <<<"$(admin clients --json)"
client b2 get app >/dev/null 2>"$work/refused.err"
check "get says so (exit code 4)" test $? = 4
check "and why" grep -q revoked "$work/refused.err"
gets=$(tr ' ' '\n' <<<"$gets" | grep -v '^b2:' | tr '\n' ' ')

# rotate WHICH: a new key in place of the old one, which stays in old-WHICH.key.
rotate() {
    cp "$work/$1.key" "$work/old-$1.key"
    "$bin/p2pdist-server" key rotate --data "$work/server" "--$1" --json | sed -n 's/.*_key":"\([^"]*\)".*/\1/p' >"$work/new-$1.key"
    mv "$work/new-$1.key" "$work/$1.key"
}
old_key_fails() { ! on server "$bin/p2pdist-admin" --server $server_address --bind $server_address --key-file "$work/old-security.key" --timeout 1 health >/dev/null 2>&1; }
rotate security
wait_for 2 admin --timeout 1 health >/dev/null || fail "the new security key does not count"
check "the old security key is worthless" old_key_fails

rotate enrolment
start_client new denver 10.2.0.13
wait_active new   # from here on the server follows the new key
cp "$work/enrolment.key" "$work/kept.key"
cp "$work/old-enrolment.key" "$work/enrolment.key"
start_client late denver 10.2.0.12
told() { client late status --json 2>/dev/null | grep -q 'another enrolment key'; }
check "the old enrolment key enrols nobody" wait_for 30 told
cp "$work/kept.key" "$work/enrolment.key"

wait_gets 120
complete b1 "$work/packages/app"
complete d1 "$work/packages/app"
check "the revoked one has no copy" test ! -e "$work/b2.out"

admin clients reinstate "$id" >/dev/null || fail reinstate
check "the reinstated client is back" wait_for 90 is_active b2
check "a new key epoch begins" grep -q '"key_epoch":3' <<<"$(admin keys rotate --at-once --json)"
renewed() { client "$1" status --json | grep -q '"key_epoch":3'; }
for name in c1 b1 d1 b2; do check "$name renewed its certificate" wait_for 60 renewed $name; done
end_test
