#!/bin/bash
# Installs what is missing, builds with AddressSanitizer and UndefinedBehaviorSanitizer, and runs every test: unit, simulated,
# architecture, and the programs in network namespaces. The test runner's summary comes last. The quick run leaves UBSan's checks of
# pointers (null, alignment, vptr, object-size) to --full: they more than double the time of the build.
#
#   scripts/test.sh           within 15 minutes on 2 cores
#   scripts/test.sh --full    also clang, ThreadSanitizer, every UBSan check, release, and the long runs
set -u -o pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib/install.sh"
full=no
case "${1:-}" in
    "") ;;
    --full) full=yes ;;
    *) echo "usage: $0 [--full]" >&2; exit 2 ;;
esac
install_packages $p2pdist_build_packages $p2pdist_run_packages $p2pdist_test_packages || exit 1
[ "$full" = no ] || install_packages $p2pdist_full_packages || exit 1
cd "$root" || exit 1
jobs=$(nproc)

# build_and_test PRESET CTEST-ARGUMENTS...
build_and_test() {
    local preset=$1
    shift
    echo "== $preset: configuring and building"
    cmake --preset "$preset" -DCMAKE_CXX_COMPILER_LAUNCHER=ccache >"build/$preset.log" 2>&1 && cmake --build --preset "$preset" --parallel "$jobs" >>"build/$preset.log" 2>&1 ||
        { tail -n 60 "build/$preset.log"; echo "$preset: the build failed" >&2; return 1; }
    echo "== $preset: testing"
    ctest --preset "$preset" --parallel $((jobs + 2)) "$@"  # two that mostly wait, beside those that compute
}

mkdir -p build
status=0
if [ "$full" = yes ]; then
    build_and_test clang -L 'unit|sim|arch' || status=1
    build_and_test tsan -R 'driver|store|sql|sim' || status=1
    build_and_test ubsan -L 'unit|sim' || status=1
    build_and_test release || status=1
    P2PDIST_LONG_TESTS=1 build_and_test release -L 'long|sim|net' || status=1
    echo "== embed: installed, found, linked and run, static and shared, with g++ and clang"
    test/embed/embed_test.sh build/embed full || status=1
fi
build_and_test asan || status=1
exit $status
