#!/bin/bash
# Every public header compiles alone, without the internal ones, and pulls in no library's header but Asio's below the purity line. There
# are few of them: what embedders don't need belongs to src/internal. And every class says which threads may use it, in its own comment or in
# that of its header.
# Usage: headers.sh SOURCE-DIR COMPILER
set -u
most=60
cd "$1" || exit 2
compiler=$2
check() {
    local header=$1 log
    log=$(mktemp)
    if ! printf '#include "%s"\n' "${header#include/}" | "$compiler" -std=c++20 -DASIO_STANDALONE -Wall -Wextra -Werror -Iinclude -x c++ -fsyntax-only -MD -MF "$log" - 2>"$log.err"; then
        echo "$header does not compile alone:"
        head -n 5 "$log.err"
        rm -f "$log" "$log.err"
        return 1
    fi
    local pulled
    pulled=$(grep -oE '/usr/(local/)?include/(google|openssl|soci|curl|CLI|spdlog|nlohmann|csv|toml)[^ ]*' "$log" | head -n 1)
    case $header in include/p2pdist/driver/*) ;; *) pulled="$pulled$(grep -oE '/usr/include/asio[^ ]*' "$log" | head -n 1)" ;; esac
    rm -f "$log" "$log.err"
    [ -z "$pulled" ] || { echo "$header pulls in $pulled"; return 1; }
}
export -f check
export compiler
find include/p2pdist -name '*.hpp' -print0 | xargs -0 -P 2 -I{} bash -c 'check {}' || exit 1
silent=$(find include/p2pdist -name '*.hpp' -exec awk '
    FNR == 1 { head = ""; block = "" }
    block == "" && /^\/\/ / && FNR < 40 { head = head $0 }
    /^\/\/\/ / { block = block $0; next }
    /^template/ { next }
    /^class [^;]*\{$/ && (head block) !~ /thread|Shared: unsafe/ { print FILENAME ": " $0 " no rule for threads" }
    { block = "" }' {} +)
[ -z "$silent" ] || { echo "$silent"; exit 1; }
count=$(find include/p2pdist -name '*.hpp' | wc -l)
[ "$count" -le "$most" ] || { echo "$count public headers; at most $most: move what embedders don't need to src/internal"; exit 1; }
echo "$count headers compile alone"
