#!/bin/bash
# Builds the simulator with its deliberate bugs and lets the fuzzer find each of them. Usage: canary_test.sh SOURCE-DIR BUILD-DIR CXX-COMPILER
set -eu
generator=()
command -v ninja > /dev/null && generator=(-G Ninja)
launcher=()
command -v ccache > /dev/null && launcher=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
cmake -S "$1" -B "$2" "${generator[@]}" "${launcher[@]}" -DCMAKE_CXX_COMPILER="$3" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O1 \
    -DP2PDIST_CANARY=ON -DP2PDIST_BUILD_TOOLS=OFF -DP2PDIST_BUILD_EXAMPLES=OFF > /dev/null
cmake --build "$2" --target sim_tests -j "$(nproc)" > "$2/build.log" || { tail -30 "$2/build.log"; exit 1; }
"$2/bin/sim_tests" "[canary]"
