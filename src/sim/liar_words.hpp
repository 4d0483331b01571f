#pragma once
// What a liar makes up: contents, devices, numbers, and messages of every kind, also those that only a server, a connector or a newer
// program may send.

#include <string>
#include <vector>

#include "p2pdist/base/random.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"
#include "p2pdist/wire/messages.hpp"

namespace p2pdist::sim {

/// The crypto suite and both sources of chance must outlive it.
class liar_words {
public:
    liar_words(const crypto_suite& crypto, entropy& random_bytes, random_source& random, ip_address own_address)
        : crypto_(&crypto), entropy_(&random_bytes), random_(&random), own_address_(own_address) {}

    void learn(const content_info& content) { known_.push_back(content); }

    /// One that is there, or a variation of it that never was.
    [[nodiscard]] content_info some_content();
    /// A key that nobody has the secret of, at an address of the own office or anywhere.
    [[nodiscard]] peer_info stranger();
    [[nodiscard]] client_id random_id();
    /// Nought, the greatest, and what is near to a width's end, more often than others.
    [[nodiscard]] std::uint64_t number();
    /// Says of `victim` and of others what is not so. Never monostate.
    [[nodiscard]] message_body anything(const peer_info& victim, wall_time wall);

private:
    struct writer;
    [[nodiscard]] std::string name();
    [[nodiscard]] bytes noise(std::size_t most);
    [[nodiscard]] held_list some_list();
    [[nodiscard]] bytes forged_list(const client_id& victim, wall_time wall);

    const crypto_suite* crypto_;
    entropy* entropy_;
    random_source* random_;
    ip_address own_address_;
    std::vector<content_info> known_;
};

}  // namespace p2pdist::sim
