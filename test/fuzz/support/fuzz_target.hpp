#pragma once
// A fuzz target is a body under a name. The same body runs under libFuzzer (fuzz_main.cpp) and in the test that replays the corpora
// (replay_test.cpp). docs/testing.md says how to add one.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "support/fuzz_input.hpp"

namespace p2pdist::fuzz {

using target_body = void (*)(fuzz_input& input);

struct target {
    const char* name;
    target_body body;
};

[[nodiscard]] inline std::vector<target>& targets() {
    static std::vector<target> all;
    return all;
}

struct registration {
    registration(const char* name, target_body body) { targets().push_back({name, body}); }
};

/// What must hold for every input. Ends the process, as a sanitizer does, so that the fuzzer keeps the input.
inline void check(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "fuzz: broken: %s\n", what);
    std::abort();
}

}  // namespace p2pdist::fuzz

#define P2PDIST_FUZZ_TARGET(name)                                                             \
    static void fuzz_##name(p2pdist::fuzz::fuzz_input& input);                                 \
    static const p2pdist::fuzz::registration registered_##name{#name, fuzz_##name};            \
    static void fuzz_##name([[maybe_unused]] p2pdist::fuzz::fuzz_input& input)
