#!/bin/bash
# The C++ of docs/embedding.md is that of the examples, which are compiled and run: each block names its source and the part of it between
# `// [part]` and `// [/part]`. What a block needs is shown too: every #include, using and constant at the head of such a source stands in a
# part that is shown. And the shortest download is short: at most ten lines, one public header.
# Usage: guide_test.sh SOURCE-DIR
set -u
cd "$1" || exit 2
part() { awk -v begin="// [$2]" -v end="// [/$2]" '
    index($0, end) { inside = 0 }
    inside { lines[++count] = $0; if ($0 ~ /[^ ]/) { match($0, /^ */); if (least == "" || RLENGTH < least) least = RLENGTH } }
    index($0, begin) { inside = 1 }
    END { for (i = 1; i <= count; ++i) print substr(lines[i], least + 1) }' "$1"; }
wrong=0 blocks=0 shown=""
source="" name="" block="" inside=no
while IFS= read -r line; do
    case "$inside$line" in
        'no<!-- '*' -->') read -r source name < <(sed 's/<!-- \(.*\) \[\(.*\)\] -->/\1 \2/' <<<"$line") ;;
        'no```cpp') inside=yes block=""; [ -n "$source" ] || { echo "a block without a source"; wrong=1; } ;;
        'yes```')
            inside=no blocks=$((blocks + 1)) shown+=" $source:$name"
            if ! diff <(printf '%s' "$block") <(part "$source" "$name") >/dev/null; then
                echo "docs/embedding.md shows something else than [$name] of $source:"
                diff <(printf '%s' "$block") <(part "$source" "$name") | head -n 10
                wrong=1
            fi
            source="" name="" ;;
        yes*) block+=$line$'\n' ;;
    esac
done <docs/embedding.md
[ "$blocks" -ge 10 ] || { echo "only $blocks blocks"; wrong=1; }

# <unistd.h> makes addresses and directories of an example's own: no block needs it.
for source in $(tr ' ' '\n' <<<"$shown" | cut -d: -f1 | sort -u); do
    hidden=$(awk -v shown="$shown" -v source="$source" '
        match($0, /\/\/ \[\/[a-z]+\]/) { inside = 0; next }
        match($0, /\/\/ \[[a-z]+\]/) { name = substr($0, RSTART + 4, RLENGTH - 5); inside = index(shown " ", " " source ":" name " ") > 0; next }
        !inside && /^(#include|using|namespace [a-z]+ =|constexpr)/ && !/<unistd.h>/' "$source")
    [ -z "$hidden" ] || { echo "docs/embedding.md shows blocks of $source, but not this of it:"; echo "$hidden"; wrong=1; }
done

shortest=examples/client_download.cpp
lines=$(part "$shortest" download | grep -c .)
headers=$(grep -c '#include <p2pdist/' "$shortest")
[ "$lines" -le 10 ] && [ "$headers" = 1 ] && [ "$(part "$shortest" download | awk 'length > 140' | wc -l)" = 0 ] ||
    { echo "$shortest: $lines lines (at most 10), $headers public headers (1)"; wrong=1; }
[ "$wrong" = 0 ] && echo "$blocks blocks are the examples'; the shortest download has $lines lines and $headers public header"
exit "$wrong"
