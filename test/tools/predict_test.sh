#!/bin/bash
# p2pdist-sim run: a customer's topology, lines and package in; tables, JSON and a picture out; every mistake told with its line.
# Usage: predict_test.sh DIRECTORY-OF-PROGRAMS
set -u
sim=$1/p2pdist-sim
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

cat >"$dir/offices.csv" <<'CSV'
Office,Type,Parent,Subnet
Central,Default,,10.0.0.0/24
"A <&> ""B""",Default,Central,10.1.0.0/24
Oslo,Default,Central,10.2.0.0/24
CSV
head -c 3000000 /dev/zero >"$dir/app.msi"
scenario() {
    cat <<TOML
topology = "offices.csv"
[content]
file = "app.msi"
[links]
rate_mbits = 50
[links.offices.Oslo]
rate_mbits = 4
[clients]
default = 2
$1
TOML
}
scenario "" >"$dir/plan.toml"

"$sim" run "$dir/plan.toml" --svg "$dir/plan.svg" >"$dir/out.txt" || fail "run: exit $?"
grep -q '^Everybody has it after' "$dir/out.txt" || fail "no verdict"
grep -q '^Bottleneck: Oslo ends last: the line of Oslo to its parent (4.0 Mbit/s)' "$dir/out.txt" || fail "the bottleneck is not told: $(grep Bottleneck "$dir/out.txt")"
grep -q "^What would help: twice the rate of Oslo's line to its parent (8.0 Mbit/s): " "$dir/out.txt" || fail "no advice"
python3 - "$dir/plan.svg" <<'PY' || fail "the picture is no well-formed SVG"
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
space = "{http://www.w3.org/2000/svg}"
assert root.tag == space + "svg"
texts = [each.text for each in root.iter(space + "text")]
assert any('A <&> "B"' == each for each in texts), texts
assert len(list(root.iter(space + "polygon"))) == 3
PY

"$sim" run "$dir/plan.toml" --json --no-advice >"$dir/plan.json" || fail "--json: exit $?"
"$sim" run "$dir/plan.toml" --json --no-advice | cmp - "$dir/plan.json" || fail "the same seed gave another prediction"
python3 - "$dir/plan.json" <<'PY' || fail "the document is not as described"
import json, sys
it = json.load(open(sys.argv[1]))
assert it["complete"] and it["content_bytes"] == 3000000 and it["remedies"] == []
assert [each["office"] for each in it["offices"]] == ["Central", 'A <&> "B"', "Oslo"]
oslo = it["offices"][2]
assert oslo["limited_by"] == "Oslo" and abs(oslo["ideal_seconds"] - 6.0) < 0.01 and oslo["last_seconds"] >= oslo["ideal_seconds"]
assert oslo["share"][0] == 0 and oslo["share"][-1] == 1 and oslo["share"] == sorted(oslo["share"])
for link in it["links"]:
    assert 1 <= link["copies"] < 1.2, link
    assert all(0 <= use <= 1 for use in link["use"])
assert len(it["clients"]) == 6 and all(sum(each["sources"].values()) == 3000000 for each in it["clients"])
PY

# What is prepared beforehand costs no line.
scenario $'[rollout]\nprepared = ["Oslo"]' >"$dir/prepared.toml"
"$sim" run "$dir/prepared.toml" --json --no-advice | python3 -c '
import json, sys
it = json.load(sys.stdin)
assert it["links"][1]["office"] == "Oslo" and it["links"][1]["copies"] < 0.1, it["links"]' || fail "a prepared office used its line"

# Other people's traffic beside it, over lines as they are met.
scenario $'[[rivals]]\nkind = "constant"\nfrom = "Central"\nto = "Oslo"\nrate_mbits = 0.5' | sed 's/^rate_mbits = 50/preset = "satellite"\nqueue = "fq_codel"/' >"$dir/rivals.toml"
"$sim" run "$dir/rivals.toml" --json --no-advice | python3 -c '
import json, sys
it = json.load(sys.stdin)
assert it["complete"], it
assert all(each["copies"] < 1.2 for each in it["links"]), it["links"]   # the rival has no part in it
assert len(it["rivals"]) == 1 and it["rivals"][0]["kind"] == "constant" and 0.45 < it["rivals"][0]["mbits"] < 0.51, it["rivals"]
assert 280 < it["rivals"][0]["mean_delay_ms"] < 330, it["rivals"]' || fail "rivals beside a roll-out"
"$sim" run "$dir/rivals.toml" --no-advice | grep -q '^constant .*Oslo .*Mbit/s' || fail "rivals are not in the tables"

# The examples, with small packages. In the one of the demo the office below a branch keeps up with it.
examples=$(cd "$(dirname "$0")/../../examples/scenarios" && pwd)
cp "$examples"/*.csv "$dir"
for each in "$examples"/*.toml; do
    sed 's/^size = .*/size = "4 MiB"/' "$each" >"$dir/example.toml"
    "$sim" run "$dir/example.toml" --json --no-advice >"$dir/example.json" || fail "$each"
    [ "${each##*/}" != demo.toml ] || python3 -c '
import json, sys
offices = {each["office"]: each for each in json.load(open(sys.argv[1]))["offices"]}
assert offices["Boston Wi-Fi"]["last_seconds"] < 1.5 * offices["Boston"]["last_seconds"], offices' "$dir/example.json" || fail "a child office waits for its parent"
done

refused() {   # TEXT-OF-SCENARIO PATTERN
    printf '%s\n' "$1" >"$dir/bad.toml"
    "$sim" run "$dir/bad.toml" >/dev/null 2>"$dir/err.txt" && fail "accepted: $1"
    grep -q "$2" "$dir/err.txt" || fail "'$(cat "$dir/err.txt")' does not say '$2'"
}
refused "$(scenario $'[rollout]\nprepared = ["Rome"]')" 'line 11: there is no such office'
refused "$(scenario $'[rollout]\nwhom = "all"')" "unknown key 'whom'"
refused $'topology = "offices.csv"\n[content]\nfile = "none.msi"' 'line 3: cannot read'
refused $'topology = "offices.csv"\n[content]\nfile = "app.msi"\nsize = "1 MiB"' 'either a size or a file'
refused "$(scenario $'[[rivals]]\nkind = "flood"')" 'kind has to be'
refused "$(scenario $'[[rivals]]\nkind = "web"\nfrom = "Central"\nto = "Rome"')" 'line 13: to has to be an office'
refused "$(scenario '' | sed 's/^rate_mbits = 50/preset = "moon"/')" 'no such preset; there are lan'
refused "$(scenario '' | sed 's/^rate_mbits = 50/wired = 3/')" 'wired has to be true or false'
"$sim" run "$dir/plan.toml" --no-advice --svg "$dir/none/plan.svg" >/dev/null 2>"$dir/err.txt" && fail "a picture was written nowhere"
grep -q 'cannot write' "$dir/err.txt" || fail "no word on the picture"
echo "predictions hold"
