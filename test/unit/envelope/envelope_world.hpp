#pragma once
// Nodes with certificates, and a way to carry their datagrams about by hand.

#include <catch2/catch.hpp>
#include <deque>
#include <functional>
#include <vector>

#include "p2pdist/base/random.hpp"
#include "p2pdist/envelope/envelope.hpp"
#include "support/seeded_crypto.hpp"

namespace test_envelope {

using namespace p2pdist;
using namespace std::chrono_literals;
using p2pdist::test::crypto;
using p2pdist::test::seeded_entropy;
using texts = std::vector<std::string>;   // payloads that came, in order

inline constexpr time_point start = time_point(1000s);
inline constexpr wall_time wall{1'800'000'000};
inline constexpr wall_time good_until{1'900'000'000};

inline secret_key key_of_byte(std::uint8_t byte) {
    secret_key key{};
    key.fill(byte);
    return key;
}

inline credentials credentials_for(const public_key& key, role who = role::client, std::uint16_t epoch = 7, wall_time until = good_until,
                                   std::uint8_t signer = 0xee) {
    const auto seed = key_of_byte(signer);
    return {sign_certificate(crypto(), seed, who, key, epoch, until), crypto().ed25519_public(seed), epoch,
            key_of_byte(static_cast<std::uint8_t>(0x60 + epoch))};
}

inline endpoint at(std::uint8_t host, std::uint16_t port = 34325) { return {ip_address::v4(0x0a000000u + host), port}; }

/// A node and what came out of it.
struct node {
    explicit node(std::uint8_t host_number, role who = role::client, std::uint16_t epoch = 7, envelope_config config = {},
                  std::uint64_t entropy_seed = 0)
        : host(host_number),
          random(entropy_seed == 0 ? host_number : entropy_seed),
          identity(identity_from_secret(crypto(), key_of_byte(host))),
          env(crypto(), random, identity, credentials_for(identity.key, who, epoch), config) {}

    /// Starts the process anew: same identity, nothing else remembered.
    void restart(std::uint64_t seed, role who = role::client, std::uint16_t epoch = 7, envelope_config config = {}) {
        random = seeded_entropy(seed);
        env = envelope(crypto(), random, identity, credentials_for(identity.key, who, epoch), config);
        sent.clear();
        events.clear();
        heard.clear();
    }

    void know(const node& other) { REQUIRE(env.add_peer(other.identity.id, other.identity.key)); }

    send_status say(time_point now, const node& to, std::string_view text, frame_type type = frame_type::message) {
        return env.send(now, to.identity.id, way_to(to), type, as_bytes(text));
    }
    static path way_to(const node& to) { return {34325, at(to.host)}; }

    void drain() {
        while (auto out = env.poll()) {
            if (auto* datagram = std::get_if<send_datagram>(&*out)) {
                sent.push_back(std::move(*datagram));
            } else {
                events.push_back(std::move(*out));
            }
        }
    }

    std::optional<opened> take(time_point now, byte_span data, const endpoint& from, wall_time wall_now = wall) {
        const auto result = env.on_datagram(now, wall_now, received_datagram{at(host), from, now, 0, data});
        if (result) heard.emplace_back(as_text(result->payload));
        return result;
    }

    template <class Event>
    int count() const {
        int n = 0;
        for (const auto& event : events) n += std::holds_alternative<Event>(event) ? 1 : 0;
        return n;
    }

    std::uint8_t host;
    seeded_entropy random;
    node_identity identity;
    envelope env;
    std::deque<send_datagram> sent;
    std::vector<envelope_output> events;
    std::vector<std::string> heard;
};

/// Takes the next datagram of a node; there must be one.
inline bytes next(node& from) {
    from.drain();
    REQUIRE_FALSE(from.sent.empty());
    auto data = std::move(from.sent.front().header);
    from.sent.pop_front();
    return data;
}

inline frame_type type_of(const bytes& data) {
    const auto type = frame_type_of(data);
    REQUIRE(type);
    return *type;
}

/// Carries datagrams between two nodes until nobody says anything more.
inline void settle(time_point now, node& left, node& right) {
    for (int rounds = 0; rounds < 100; ++rounds) {
        left.drain();
        right.drain();
        if (left.sent.empty() && right.sent.empty()) return;
        while (!left.sent.empty()) (void)right.take(now, next(left), at(left.host));
        while (!right.sent.empty()) (void)left.take(now, next(right), at(right.host));
    }
    FAIL("two nodes talk without end");
}

/// Two nodes that know each other, with a session that left began and both confirmed.
inline void befriend(node& left, node& right) {
    left.know(right);
    right.know(left);
    REQUIRE(left.say(start, right, "hi") == send_status::kept);
    settle(start, left, right);
    REQUIRE(right.heard == std::vector<std::string>{"hi"});
    right.heard.clear();
    left.events.clear();
    right.events.clear();
}

/// Calls `check` with every truncation and every single-bit change of `data`.
inline void each_mutation(const bytes& data, const std::function<void(const bytes&)>& check) {
    for (std::size_t size = 0; size < data.size(); ++size) check(bytes(data.begin(), data.begin() + static_cast<std::ptrdiff_t>(size)));
    for (std::size_t bit = 0; bit < 8 * data.size(); ++bit) {
        auto altered = data;
        altered[bit / 8] = static_cast<std::uint8_t>(altered[bit / 8] ^ 1u << bit % 8);
        check(altered);
    }
    auto longer = data;
    longer.push_back(0);
    check(longer);
}

}  // namespace test_envelope
