#pragma once
// Members of one organisation with their envelopes, and datagrams between them that a fuzz input disturbs.

#include <deque>
#include <memory>

#include "p2pdist/envelope/envelope.hpp"
#include "p2pdist/sim/seeded_entropy.hpp"
#include "support/fuzz_input.hpp"

namespace p2pdist::fuzz {

inline constexpr wall_time member_wall{1'800'000'000};
inline constexpr std::uint16_t member_epoch = 7;

[[nodiscard]] inline secret_key member_secret(std::uint8_t number) {
    secret_key out{};
    out.fill(number);
    return out;
}
[[nodiscard]] inline credentials member_papers(const crypto_suite& crypto, const public_key& key, role who = role::client,
                                               std::uint16_t epoch = member_epoch) {
    const auto signer = member_secret(0xee);
    return {sign_certificate(crypto, signer, who, key, epoch, {1'900'000'000}), crypto.ed25519_public(signer), epoch, member_secret(0x67)};
}

struct member {
    member(const crypto_suite& suite, std::uint8_t which, role who = role::client)
        : crypto(suite), number(which), as(who), random(which), identity(identity_from_secret(suite, member_secret(which))) {
        boot();
    }
    void boot() { seal = std::make_unique<envelope>(crypto, random, identity, member_papers(crypto, identity.key, as)); }
    void meet(member& other) {
        (void)seal->add_peer(other.identity.id, other.identity.key);
        (void)other.seal->add_peer(identity.id, identity.key);
    }
    [[nodiscard]] ip_address address() const { return ip_address::v4(0x0a000000u + number); }

    const crypto_suite& crypto;
    std::uint8_t number;
    role as;
    sim::seeded_entropy random;
    node_identity identity;
    std::unique_ptr<envelope> seal;
};

/// A datagram between two members.
struct letter {
    std::size_t to = 0;
    endpoint from, local;
    bytes data;
};
[[nodiscard]] inline letter letter_of(const send_datagram& out, const ip_address& from, std::size_t to) {
    letter made{to, {from, out.from_port}, out.to, out.header};
    made.data.insert(made.data.end(), out.payload.view.begin(), out.payload.view.end());
    return made;
}
/// Loses, repeats, moves or alters one of the letters under way.
inline void disturb(fuzz_input& input, std::deque<letter>& post) {
    if (post.empty()) return;
    const auto at = post.begin() + static_cast<std::ptrdiff_t>(input.below(post.size()));
    switch (input.below(5)) {
        case 0: post.erase(at); break;
        case 1: post.push_back(letter(*at)); break;
        case 2: std::iter_swap(at, post.begin()); break;
        default: at->data = mutated(input, at->data); break;
    }
}

}  // namespace p2pdist::fuzz
