#!/bin/bash
# What is meant to be portable compiles for Windows: the public headers, the pure rooms and the simulated world, and the driver's plain path
# with src/driver/windows in the place of src/driver/posix. Syntax and types only: nothing is linked or run (docs/portability.md).
# And no source names what clang 14, the oldest compiler meant, cannot compile with libstdc++ 12: the views, and the algorithms of std::ranges
# that return a subrange. Headers of libraries come from this system, each by its own name, so that no header of this system itself is seen.
# Usage: portable.sh SOURCE-DIR DIRECTORY-OF-PROTOBUF'S-HEADERS; 99 (skipped) where there is no such compiler.
set -u
generated=$(cd "$2" && pwd) || exit 2
cd "$1" || exit 2
if grep -rnE 'std::(views|ranges::(views|subrange|stable_partition|partition|remove(_if)?|unique|rotate|equal_range|search(_n)?|find_end|find_last(_if)?))\b' include src test examples bench tools --include='*.[ch]pp'; then
    echo "clang 14 does not compile these with libstdc++ 12"
    exit 1
fi
export compiler=x86_64-w64-mingw32-g++-posix
command -v "$compiler" >/dev/null || { echo "no $compiler: apt-get install g++-mingw-w64-x86-64-posix"; exit 99; }
libraries=$(mktemp -d) || exit 2
trap 'rm -rf "$libraries"' EXIT
mkdir "$libraries/openssl" "$libraries/curl"
for place in /usr/include "/usr/include/$(gcc -dumpmachine)"; do
    for name in asio.hpp asio google csv.h nlohmann soci sqlite3.h; do
        [ -e "$place/$name" ] && ln -s "$place/$name" "$libraries/$name"
    done
    for folder in openssl curl; do
        [ -d "$place/$folder" ] && ln -s "$place/$folder"/*.h "$libraries/$folder/"
    done
done
export options="-std=c++20 -fsyntax-only -D_WIN32_WINNT=0x0A00 -DASIO_STANDALONE -DASIO_NO_DEPRECATED -DP2PDIST_VERSION=\"0\"
    -Wall -Wextra -Wshadow -Werror -isystem $libraries -isystem $generated -Iinclude -Isrc/internal"
check() { "$compiler" $options -I"$(cut -d/ -f1,2 <<<"$1")" "$1" || { echo "$1 does not compile for Windows"; exit 1; }; }
export -f check
all=$libraries/all.cpp
(cd include && find . -name '*.hpp' | sed 's#^\./\(.*\)#\#include "\1"#') >"$all"
"$compiler" $options "$all" || { echo "the public headers do not compile for Windows"; exit 1; }
sources=$(find src -name '*.cpp' -not -path 'src/driver/posix/*' -not -path 'src/driver/local/*' | sort)
xargs -P "$(nproc)" -I{} bash -c 'check {}' <<<"$sources" || exit 1
echo "$(wc -l <"$all") headers and $(wc -l <<<"$sources") sources compile for Windows"
