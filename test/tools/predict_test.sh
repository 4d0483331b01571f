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
grep -q '^Bottleneck: Oslo ends last: the line of Oslo from its parent (down, 4.0 Mbit/s)' "$dir/out.txt" || fail "the bottleneck is not told: $(grep Bottleneck "$dir/out.txt")"
grep -q "^What would help: twice the rate of Oslo's line from its parent (down: 8.0 Mbit/s): " "$dir/out.txt" || fail "no advice"
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
assert it["complete"] and it["content_bytes"] == 3000000 and it["remedies"] == [] and it["in_vain"] == [] and "seeds" not in it
assert it["bottleneck"]["kind"] == "line_down" and it["bottleneck"]["office"] == "Oslo" and it["bottleneck"]["use"] > 0.6, it["bottleneck"]
assert it["simulated_seconds"] >= it["seconds"] > 6
assert [each["office"] for each in it["offices"]] == ["Central", 'A <&> "B"', "Oslo"]
oslo = it["offices"][2]
assert oslo["parent"] == "Central" and it["offices"][0]["parent"] is None
assert oslo["limit_kind"] == "line_down" and oslo["limited_by"] == "Oslo" and abs(oslo["ideal_seconds"] - 6.0) < 0.01 and oslo["last_seconds"] >= oslo["ideal_seconds"]
assert oslo["share"][0] == 0 and oslo["share"][-1] == 1 and oslo["share"] == sorted(oslo["share"])
for link in it["links"]:
    assert 1 <= link["copies"] < 1.2, link
    assert all(0 <= use <= 1 for use in link["use"]) and link["parent"] == "Central"
    assert set(link["down"]) == set(link["up"]) == {"rate_mbits", "bytes", "use", "queue_bytes_max", "dropped", "lost", "too_long"}, link
assert it["links"][1]["down"]["rate_mbits"] == 4 and it["links"][1]["down"]["use"] > 0.6 > it["links"][1]["up"]["use"]
assert [each["kind"] for each in it["insides"]] == ["lan"] * 3
assert len(it["clients"]) == 6 and all(sum(each["sources"].values()) == 3000000 for each in it["clients"])
PY

# Advice as a document, seeds, and a roll-out that does not end.
"$sim" run "$dir/plan.toml" --json --seeds 2 --progress >"$dir/advice.json" || fail "--seeds: exit $?"
python3 - "$dir/advice.json" <<'PY' || fail "the advice is not as described"
import json, sys
it = json.load(open(sys.argv[1]))
faster = [each for each in it["remedies"] if each["kind"] == "line_rate"][0]
assert faster["offices"] == ["Oslo"] and faster["direction"] == "down" and faster["factor"] == 2 and faster["seconds"] < faster["baseline_seconds"] == it["seconds"], faster
assert it["seeds"]["count"] == 2 and it["seeds"]["ranges"][0]["office"] is None and it["seeds"]["ranges"][0]["complete"] == 2
assert all(each["min_seconds"] <= each["median_seconds"] <= each["max_seconds"] for each in it["seeds"]["ranges"]), it["seeds"]
PY
scenario $'[rollout]\nlimit = "1s"' >"$dir/short.toml"
"$sim" run "$dir/short.toml" --json --no-advice >"$dir/short.json" && fail "it ended within a second"
python3 - "$dir/short.json" <<'PY' || fail "what does not end is not told as described"
import json, sys
it = json.load(open(sys.argv[1]))
assert not it["complete"] and it["seconds"] is None and it["simulated_seconds"] >= 1
assert it["offices"][2]["last_seconds"] is None and it["offices"][2]["first_seconds"] is None
assert all(each["complete"] == (each["seconds"] is not None) == (each["failure"] is None) for each in it["clients"]), it["clients"]
PY
scenario $'[[changes]]\nat = "500ms"\noffice = "Oslo"\nrate_mbits = 40\nbursts = 0.0001\nfades = "20s"\n[[changes]]\nat = "1s"\noffice = "Oslo"\ncut = false' >"$dir/changes.toml"
"$sim" run "$dir/changes.toml" --json --no-advice | python3 -c '
import json, sys
it = json.load(sys.stdin)
assert it["complete"] and it["seconds"] < 4 and it["links"][1]["down"]["rate_mbits"] == 40, it["links"][1]' || fail "a line that changes"
if [ -w /dev/full ]; then
    "$sim" run "$dir/plan.toml" --no-advice >/dev/full 2>"$dir/err.txt" && fail "a lost output is a success"
    grep -q 'output could not be written' "$dir/err.txt" || fail "no word on a lost output"
fi
"$sim" fuzz --seeds 0 >/dev/null 2>&1 && fail "no world at all is a success"
"$sim" fuzz --seeds 100000 --time 0.1 --shrink 0 | grep -q 'of 100000 worlds (--time has run out), 0 failures' || fail "it does not say that time ran out"

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
refused "$(scenario '' | sed 's/^rate_mbits = 50/rate_mbits = nan/')" 'rate_mbits has to be a number from 0.01 to 1000000$'
refused "$(scenario '' | sed 's/^rate_mbits = 50/rate_mbit = 50/')" "unknown key 'rate_mbit'; did you mean 'rate_mbits'?"
refused "$(scenario '' | sed 's/^rate_mbits = 50/mtu = 1200/')" 'mtu has to be 1228 or more'
refused "$(scenario '' | sed 's/^default = 2/default = 1.5/')" 'default has to be a whole number from 0 to 100000'
refused "$(scenario '' | sed 's/^default = 2/default = 0/')" 'nobody fetches'
refused "$(scenario '' | sed 's/^default = 2/default = 300/')" 'office Central has 300 clients, but its first subnet 10.0.0.0.24 has room for 252'
refused "$(scenario '' | sed 's/offices.Oslo/offices.Central/')" 'Central has no parent, and no line to it: rate_mbits means nothing there'
refused "$(scenario $'[rollout]\nwho = []')" 'who is empty'
refused "$(scenario $'[rollout]\nwho = ["oslo"]')" "did you mean 'Oslo'"
refused "$(scenario $'[rollout]\nsource = "Oslo"')" 'cannot get it from Oslo'
refused "$(scenario $'[rollout]\nlimit = "0s"')" 'limit has to be longer'
refused "$(scenario $'[[rivals]]\nkind = "web"\nfrom = "Central"\nto = "Oslo"\nstarts = "5s"\nstops = "2s"')" 'line 15: stops has to be after starts'
refused "$(scenario $'[[rivals]]\nkind = "cubic"\nfrom = "Central"\nto = "Oslo"\nrate_mbits = 2')" 'a TCP takes what it can get'
refused "$(scenario $'[[changes]]\noffice = "Oslo"')" 'at is missing'
refused "$(scenario '' | sed 's/^file = .*/hash = "sha256"/')" 'neither a size'
refused "$(scenario '' | sed 's/^file = .*/size = "100 TB"/')" 'needs about .* of memory to simulate'
refused "$(scenario '' | sed 's/^topology = .*/topology = "."/')" 'is a directory'
refused $'topology = "offices.csv"\nlinks = 5' 'line 2: links has to be a table'
printf 'Office,Type,Parent,Subnet\nCentral,Default,,10.0.0.0/24\nA,Default,Rome,10.1.0.0/24\nB,Default,Central,10.2.0.0/64\n' >"$dir/wrong.csv"
refused "$(scenario '' | sed 's/^topology = .*/topology = "wrong.csv"/')" 'line 1: .*/wrong.csv is refused'
grep -q 'row 3, column Parent' "$dir/err.txt" && grep -q 'row 4, column Subnet' "$dir/err.txt" || fail "not every wrong row is told: $(cat "$dir/err.txt")"
printf 'Office,Type,Parent,Subnet\nCentral,Default,,10.0.0.0/24\n東京,Default,Central,10.1.0.0/24\nZürich,Default,Central,10.2.0.0/24\n' >"$dir/wide.csv"
scenario '' | sed 's/offices.csv/wide.csv/; /offices.Oslo/,+1d' >"$dir/wide.toml"
"$sim" run "$dir/wide.toml" --no-advice | python3 -c '
import sys, unicodedata
rows = sys.stdin.read().split("\n\n")[0].split("\n")
width = lambda text: sum(2 if unicodedata.east_asian_width(each) == "W" else 1 for each in text)
assert len({width(row[:row.index(" 2  ")]) for row in rows[1:]}) == 1, rows' || fail "columns are askew"
"$sim" run "$dir/plan.toml" --no-advice --svg "$dir/none/plan.svg" >/dev/null 2>"$dir/err.txt" && fail "a picture was written nowhere"
grep -q 'cannot write' "$dir/err.txt" || fail "no word on the picture"
echo "predictions hold"
