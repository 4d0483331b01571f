#pragma once
// How often strangers may make a node work or speak, counted by where they claim to be: nobody uses up what is there for others,
// and the memory is the same however many addresses he invents (SEC-1).

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "p2pdist/base/address.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/base/time.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"

namespace p2pdist {

struct source_limit_config {
    std::uint32_t per_address = 1;   ///< a second, and at once: of an IPv4 address or an IPv6 /64; 1 or more, as the others
    std::uint32_t per_network = 1;   ///< of an IPv4 /24 or an IPv6 /48
    std::uint32_t in_all = 1;
    std::size_t sources = limits::rate_sources;  ///< addresses, and networks, that are told apart well at one time; 1 or more
    /// Of one IPv4 or IPv6 address as it is: for senders of one link, or whose addresses are known to be theirs. 0: not counted.
    std::uint32_t per_host = 0;
};

/// Buckets of tokens, each for a second's worth: one for all, and a table of them for hosts, for addresses and for networks. The table is hashed
/// under a secret, twice: who shares one bucket with a flood has another of his own, and nobody can choose whose bucket he empties.
/// What is refused takes nothing from any bucket. Distinct objects: safe. Shared: unsafe. The crypto suite must outlive it.
class source_limit {
public:
    source_limit(const crypto_suite& crypto, const short_key& secret, const source_limit_config& config);
    /// A key for one use, from a secret that the node has anyway.
    [[nodiscard]] static short_key key_from(const crypto_suite& crypto, const secret_key& secret, byte_parts use);

    /// Takes a token of the host, of its address, of its network and of all if each has one.
    [[nodiscard]] bool allow(time_point now, const ip_address& from);

private:
    static constexpr std::size_t rows = 2;
    /// When a bucket is full again; in the past: it is.
    struct level {
        duration cost{};
        std::vector<time_point> full_at;  // rows of `sources`; empty until first needed, since most nodes never meet a stranger
    };
    struct place {
        std::array<time_point*, rows> row;
        [[nodiscard]] time_point full_at(time_point now) const noexcept;
    };

    [[nodiscard]] place find(level& where, const ip_address& prefix) const;

    const crypto_suite* crypto_;
    short_key secret_;
    std::size_t sources_;
    level hosts_;
    level addresses_;
    level networks_;
    duration cost_;
    time_point full_at_ = time_point::min();
};

}  // namespace p2pdist
