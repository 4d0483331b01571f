#!/bin/bash
# libp2pdist as other projects use it: installed, found, compiled against, linked and run.
#
#   embed_test.sh BUILD-DIR quick     what BUILD-DIR has built, installed: the core by find_package, and a tool
#   embed_test.sh BUILD-DIR full      BUILD-DIR is where to build: find_package, add_subdirectory and pkg-config, static and shared, g++ and clang
set -u -o pipefail
build=$(mkdir -p "$1" && cd "$1" && pwd)
mode=$2
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/p2pdist-embed.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
failures=0
# step NAME COMMAND...: shows the output where it fails.
step() {
    local name=$1
    shift
    if "$@" >"$work/log" 2>&1; then echo "ok: $name"; else echo "FAILED: $name"; tail -n 30 "$work/log"; failures=$((failures + 1)); return 1; fi
}
cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }
# programs DIRECTORY NAME...: runs each.
run_programs() {
    local directory=$1 name
    shift
    for name in "$@"; do timeout 120 "$directory/$name" || return 1; done
}
all="use_core use_crypto use_own_loop use_p2pdist use_asio_first use_sim"
components="core;crypto;p2pdist;sim"

if [ "$mode" = quick ]; then
    step "install" cmake --install "$build" --prefix "$work/prefix" || exit 1
    flags="$(cached CMAKE_CXX_FLAGS) $(cached "CMAKE_CXX_FLAGS_$(cached CMAKE_BUILD_TYPE | tr a-z A-Z)")"
    step "find_package" cmake -S "$here/find_package" -B "$work/core" -DCMAKE_PREFIX_PATH="$work/prefix" -DCOMPONENTS=core \
        -DCMAKE_CXX_COMPILER="$(cached CMAKE_CXX_COMPILER)" -DCMAKE_CXX_FLAGS="$flags" &&
        step "build" cmake --build "$work/core" && step "run" run_programs "$work/core" use_core
    step "an unknown component is refused" bash -c "! cmake -S '$here/find_package' -B '$work/none' -DCMAKE_PREFIX_PATH='$work/prefix' -DCOMPONENTS=nothing"
    step "an installed program runs" "$work/prefix/bin/p2pdist-client" --help
    step "no internal header is installed" test ! -e "$work/prefix/include/p2pdist/base/assert.hpp"
    exit $((failures > 0))
fi

compilers=""
for compiler in g++ clang++ clang++-14; do
    command -v $compiler >/dev/null && case "$compilers" in *clang*) ;; *) compilers="$compilers $compiler" ;; esac
done
# One set of flags for all: what one way has compiled, the next takes from ccache.
launcher=$(command -v ccache)
common=(-G Ninja -DCMAKE_BUILD_TYPE=Release -DP2PDIST_WARNINGS_AS_ERRORS=ON -DCMAKE_CXX_COMPILER_LAUNCHER="$launcher")
for kind in static shared; do
    shared=OFF static=--static
    [ $kind = shared ] && shared=ON static=
    for compiler in $compilers; do
        what="$kind, $compiler"
        tree=$build/$kind-$compiler
        prefix=$work/$kind-$compiler
        step "$what: configure" cmake -S "$root" -B "$tree" "${common[@]}" -DCMAKE_CXX_COMPILER=$compiler -DBUILD_SHARED_LIBS=$shared \
            -DP2PDIST_BUILD_TESTS=OFF -DP2PDIST_BUILD_TOOLS=OFF -DP2PDIST_BUILD_EXAMPLES=OFF || continue
        step "$what: build" cmake --build "$tree" || continue
        step "$what: install" cmake --install "$tree" --prefix "$prefix" --strip || continue
        [ $kind = shared ] && { step "$what: exports" "$here/exports_test.sh" "$prefix/lib"; cat "$work/log"; }
        # Somebody who uses the installed libraries has none of the sources.
        step "$what: find_package" cmake -S "$here/find_package" -B "$work/find" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" -DCOMPONENTS="$components" \
            -DCMAKE_CXX_COMPILER=$compiler && step "$what: find_package, build" cmake --build "$work/find" &&
            step "$what: find_package, run" run_programs "$work/find" $all
        export PKG_CONFIG_PATH=$prefix/lib/pkgconfig LD_LIBRARY_PATH=
        [ $kind = shared ] && export LD_LIBRARY_PATH=$prefix/lib
        mkdir "$work/make"
        step "$what: pkg-config, build" make -C "$here/pkg_config" -j2 CXX=$compiler STATIC=$static OUT="$work/make" &&
            step "$what: pkg-config, run" run_programs "$work/make" $all
        unset LD_LIBRARY_PATH
        step "$what: add_subdirectory" cmake -S "$here/add_subdirectory" -B "$build/sub-$kind-$compiler" "${common[@]}" -DP2PDIST_SOURCE="$root" \
            -DBUILD_SHARED_LIBS=$shared -DCOMPONENTS="$components" -DCMAKE_CXX_COMPILER=$compiler &&
            step "$what: add_subdirectory, build" cmake --build "$build/sub-$kind-$compiler" &&
            step "$what: add_subdirectory, run" run_programs "$build/sub-$kind-$compiler/mine" $all
        rm -rf "$work/find" "$work/make"
    done
done
[ "$failures" = 0 ] && echo "passed"
exit $((failures > 0))
