#pragma once
// Repeatable randomness for jitter and choice. Never for keys, nonces or tokens: those come from `entropy` (crypto/crypto_suite.hpp).

#include <cstdint>

#include "p2pdist/base/export.hpp"
#include "p2pdist/base/time.hpp"

namespace p2pdist {

/// xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64. The same seed gives the same numbers everywhere.
/// Distinct objects: safe. Shared: unsafe.
class P2PDIST_API random_source {
public:
    /// As the standard library asks of a generator of random bits.
    using result_type = std::uint64_t;

    /// Any seed is as good as another, 0 included.
    explicit random_source(std::uint64_t seed) noexcept;

    /// The next 64 bits.
    std::uint64_t operator()() noexcept;
    [[nodiscard]] static constexpr std::uint64_t min() noexcept { return 0; }
    [[nodiscard]] static constexpr std::uint64_t max() noexcept { return UINT64_MAX; }

    /// Uniform in [0, bound); 0 where bound is 0.
    [[nodiscard]] std::uint64_t below(std::uint64_t bound) noexcept;
    /// Uniform in [0, 1).
    [[nodiscard]] double unit() noexcept;
    /// `value` scaled by a uniform factor in [1 - spread, 1 + spread).
    [[nodiscard]] duration jittered(duration value, double spread) noexcept;

private:
    std::uint64_t state_[4];
};

}  // namespace p2pdist
