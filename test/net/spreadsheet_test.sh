#!/bin/bash
# Bad spreadsheets are refused with row, column and reason, and change nothing; a good one survives export and import [REQ-OFF-5].
. "$(dirname "$0")/common.sh"
world
start_server
admin topology export "$work/first.csv" >/dev/null
refused() {
    local name=$1 row=$2 column=$3
    cat >"$work/$name.csv"
    local out code
    out=$(admin topology import "$work/$name.csv" --json 2>&1)
    code=$?
    [ $code = 4 ] && grep -q "\"row\":$row,\"column\":\"$column\"" <<<"$out" && echo "ok: $name: $(sed 's/.*"reason":"\([^"]*\)".*/\1/' <<<"$out")" || fail "$name: exit $code: $out"
    admin topology export "$work/now.csv" >/dev/null
    cmp -s "$work/first.csv" "$work/now.csv" || fail "$name changed the topology"
}
head="Office,Type,Parent,Subnet,Range start,Range end,Preferred,Description"
central="Central,Default,,10.0.0.0/16,,,,"
refused type 3 Type <<<"$head
$central
A,Wired,Central,10.1.0.0/24,,,,"
refused parent 3 Parent <<<"$head
$central
A,Default,Nowhere,10.1.0.0/24,,,,"
refused cycle 3 Parent <<<"$head
$central
A,Default,B,10.1.0.0/24,,,,
B,Default,A,10.2.0.0/24,,,,"
refused overlap 4 Subnet <<<"$head
$central
A,Default,Central,10.1.0.0/24,,,,
B,Default,Central,10.1.0.0/24,,,,"
refused malformed 3 Subnet <<<"$head
$central
A,Default,Central,10.1.0.300/24,,,,"
refused vpn-children 4 Parent <<<"$head
$central
V,VPN,Central,10.1.0.0/24,,,,
A,Default,V,10.2.0.0/24,,,,"
refused server-outside 2 Subnet <<<"$head
Central,Default,,10.99.0.0/16,,,,"
admin topology import "$work/first.csv" >/dev/null || fail "what was exported is refused"
admin topology export "$work/now.csv" >/dev/null
check "export, import, export is the same" cmp -s "$work/first.csv" "$work/now.csv"
end_test
