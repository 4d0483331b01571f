#pragma once
// Deliberate bugs, to see whether the fuzzer finds them. They are compiled in by -DP2PDIST_CANARY=ON alone; in every other build none of them
// ever sings, and the compiler drops them.

#include <array>
#include <cstdint>
#include <string_view>

namespace p2pdist {

enum class canary : std::uint8_t {
    none,
    unverified_chunk,   ///< a store takes a chunk that does not fit its hash
    counts_twice,       ///< the bytes of one chunk are counted twice
    two_copies,         ///< two clients of an office bring the same content in
    long_frame,         ///< frames of data are longer than a path may take
    chatty,             ///< heartbeats many times a second
    starts_over,        ///< a restarted download fetches again what it has
};
inline constexpr std::array all_canaries = {canary::unverified_chunk, canary::counts_twice, canary::two_copies,
                                            canary::long_frame, canary::chatty, canary::starts_over};

[[nodiscard]] constexpr std::string_view to_string(canary which) noexcept {
    switch (which) {
        case canary::none: return "none";
        case canary::unverified_chunk: return "unverified_chunk";
        case canary::counts_twice: return "counts_twice";
        case canary::two_copies: return "two_copies";
        case canary::long_frame: return "long_frame";
        case canary::chatty: return "chatty";
        case canary::starts_over: return "starts_over";
    }
    return "?";
}

#ifdef P2PDIST_CANARY
inline canary& chosen_canary() noexcept {
    static canary chosen = canary::none;
    return chosen;
}
[[nodiscard]] inline bool sings(canary which) noexcept { return chosen_canary() == which; }
#else
[[nodiscard]] constexpr bool sings(canary) noexcept { return false; }
#endif

}  // namespace p2pdist
