#!/bin/bash
# Builds the fuzz targets with libFuzzer, AddressSanitizer and UndefinedBehaviorSanitizer, runs them, as many at once as there are
# processors, and prints a table. What they find stays in build/fuzz: corpus/ and, where something broke, crashes/.
# Exit code: 0 nothing broke, 1 something did, 2 not possible. See docs/testing.md.
#
#   scripts/fuzz.sh [SECONDS-EACH] [TARGET...]      default: 60 seconds, all targets
set -u -o pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/scripts/lib/install.sh"
seconds=60
case "${1:-}" in
    -*) echo "usage: $0 [SECONDS-EACH] [TARGET...]" >&2; exit 2 ;;
    [0-9]*) seconds=$1; shift ;;
esac
install_packages $p2pdist_build_packages clang libclang-rt-14-dev ccache catch2 || exit 2
cd "$root" || exit 2
work=$root/build/fuzz
mkdir -p "$work/corpus" "$work/crashes" "$work/logs"
jobs=$(nproc)

all=$(for source in test/fuzz/targets/*.cpp; do basename "$source" .cpp; done)
targets=${*:-$all}
for target in $targets; do
    [ -f "test/fuzz/targets/$target.cpp" ] || { echo "there is no target $target; there are:" $all >&2; exit 2; }
done
cmake --preset fuzz -DCMAKE_CXX_COMPILER_LAUNCHER=ccache >"$work/build.log" 2>&1 &&
    cmake --build "$work" --parallel "$jobs" --target $(printf 'fuzz_%s ' $targets) >>"$work/build.log" 2>&1 ||
    { tail -n 40 "$work/build.log"; echo "the build failed: $work/build.log" >&2; exit 2; }

export UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=0
# run TARGET: 4,096 bytes are plenty for a sequence of decisions, and no input may make a target take half a gigabyte at once.
run() {
    mkdir -p "$work/corpus/$1"
    "$work/fuzzers/fuzz_$1" -max_total_time="$seconds" -max_len=4096 -len_control=0 -timeout=60 -rss_limit_mb=2048 \
        -malloc_limit_mb=512 -print_final_stats=1 -artifact_prefix="$work/crashes/$1-" "$work/corpus/$1" "test/fuzz/corpus/$1" >"$work/logs/$1" 2>&1
    echo $? >"$work/logs/$1.status"
}
for target in $targets; do
    mkdir -p "test/fuzz/corpus/$target"
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
    run "$target" &
done
wait

broken=0
printf '%-20s %12s %10s %9s %8s  %s\n' target executions per-second edges corpus result
for target in $targets; do
    log=$work/logs/$target
    last=$(grep -E '^#[0-9]+.*cov: ' "$log" | tail -n 1)
    value() { printf '%s' "$last" | sed -n "s/.* $1: \([^ ]*\).*/\1/p"; }
    executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    rate=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
    result=good
    if [ "$(cat "$log.status")" != 0 ]; then
        result="BROKEN: $log"
        broken=1
    fi
    printf '%-20s %12s %10s %9s %8s  %s\n' "$target" "${executions:-?}" "${rate:-?}" "$(value cov)" "$(value corp | cut -d/ -f1)" "$result"
done
exit $broken
