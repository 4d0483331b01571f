#pragma once
// Nodes with a transfer engine, an envelope and a memory store each, on LANs that are joined by WAN links: a small deterministic
// world for the tests of this room.

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "p2pdist/base/random.hpp"
#include "p2pdist/content/content_checks.hpp"
#include "p2pdist/content/hash_tree.hpp"
#include "p2pdist/content/memory_store.hpp"
#include "p2pdist/driver/openssl_crypto.hpp"
#include "p2pdist/envelope/envelope.hpp"
#include "p2pdist/transfer/transfer_engine.hpp"

namespace p2pdist::test {

using namespace std::chrono_literals;

inline const crypto_suite& crypto() {
    static const auto suite = make_openssl_crypto();
    return *suite;
}

class seeded_entropy final : public entropy {
public:
    explicit seeded_entropy(std::uint64_t seed) : random_(seed) {}
    void fill(mutable_byte_span out) override {
        for (auto& byte : out) byte = static_cast<std::uint8_t>(random_());
    }

private:
    random_source random_;
};

inline bytes noise(std::size_t size, std::uint64_t seed = 7) {
    random_source random(seed);
    bytes out(size);
    for (std::size_t i = 0; i < size; i += 8) {
        const auto value = random();
        for (std::size_t j = i; j < std::min(size, i + 8); ++j) out[j] = static_cast<std::uint8_t>(value >> (8 * (j - i)));
    }
    return out;
}

inline content_info tree_content(byte_span data, const char* id = "package") {
    return {*content_id::parse(id), data.size(), {hash_kind::sha256_tree, make_tree(crypto(), data).root()}};
}
inline content_info plain_content(byte_span data, const char* id = "plain") {
    return {*content_id::parse(id), data.size(), {hash_kind::sha256, crypto().sha256({data})}};
}

/// An id for tests of parts, where nobody has keys.
inline client_id peer(std::uint8_t number) {
    client_id id;
    id.value[0] = number;
    return id;
}

struct world_options {
    double lan_bytes_per_second = 100e6;
    duration lan_delay = 200us;
    double wan_bytes_per_second = 2e6;
    duration wan_delay = 20ms;
    std::uint64_t wan_queue_bytes = 128 << 10;
    double loss = 0, duplicated = 0, reordered = 0;
    std::uint64_t seed = 1;
};

struct node_options {
    int site = 0;
    role as = role::client;
    duration store_delay = 2ms;
    memory_store_options store = {};
    transfer_engine_config engine = {};
};

class world;

class node {
public:
    node(world& in, int number, node_options options);

    world& in;
    int number;
    node_options options;
    ip_address address;
    seeded_entropy random;
    envelope seal;
    memory_store store;
    transfer_engine engine;
    std::vector<transfer_output> events;   // all but datagrams and store requests
    std::function<bool(const serve_request&)> admits = [](const serve_request&) { return true; };
    std::map<std::string, int> store_requests;
    std::vector<chunk_index> written;      // chunks given to the store
    bool dead = false;
    bool lies = false;                     // its store gives other bytes than it should
    std::function<void(const opened&)> instead;   // hears what is said of flows in the engine's place
    time_point uplink_free{};
    time_point wake_at = never;

    [[nodiscard]] client_id id() const { return seal.self().id; }
    [[nodiscard]] transfer_source as_source(source_kind kind) const {
        const bool wan = kind == source_kind::ancestor;
        return {id(), options.as, address, kind, wan ? transfer_protocol::background : transfer_protocol::foreground};
    }
    /// Puts the content into the store and serves it.
    void holds(const content_info& content, const bytes& data);
    void gets(const content_info& content);
    void from(const content_info& content, const node& other, source_kind kind = source_kind::office);
    void pump();

    template <class Event>
    [[nodiscard]] std::vector<Event> all() const {
        std::vector<Event> out;
        for (const auto& event : events) {
            if (const auto* one = std::get_if<Event>(&event)) out.push_back(*one);
        }
        return out;
    }
    [[nodiscard]] bool done() const { return !all<transfer_finished>().empty(); }
    [[nodiscard]] bool succeeded() const { return done() && !all<transfer_finished>().front().failure; }
    [[nodiscard]] source_split split() const { return all<transfer_finished>().front().split; }
    [[nodiscard]] bytes content(const content_info& content);
    [[nodiscard]] chunk_index held(const content_info& content) const {
        const auto* set = engine.held(content.key());
        return set == nullptr ? 0 : set->count();
    }
};

class world {
public:
    explicit world(world_options given = {}) : options(given), random(given.seed) {}

    node& add(node_options node = {}) {
        nodes.push_back(std::make_unique<p2pdist::test::node>(*this, static_cast<int>(nodes.size()) + 1, std::move(node)));
        for (auto& other : nodes) {
            other->seal.add_peer(nodes.back()->id(), nodes.back()->seal.self().key);
            nodes.back()->seal.add_peer(other->id(), other->seal.self().key);
        }
        return *nodes.back();
    }

    void at(time_point when, std::function<void()> action) { events_.push({std::max(when, now), ++sequence_, std::move(action)}); }

    /// Until the condition holds; false where the time is over before.
    template <class Condition>
    bool until(duration limit, Condition condition) {
        const auto end = now + limit;
        for (auto& one : nodes) one->pump();
        while (!condition()) {
            if (events_.empty() || events_.top().when > end) {
                now = end;
                return false;
            }
            auto action = std::move(const_cast<event&>(events_.top()).action);
            now = events_.top().when;
            events_.pop();
            action();
        }
        return true;
    }
    void run(duration time) {
        (void)until(time, [] { return false; });
    }

    void transmit(node& sender, send_datagram datagram);
    void wake(node& one, time_point when);

    world_options options;
    random_source random;
    time_point now{std::chrono::seconds(1000)};
    std::vector<std::unique_ptr<node>> nodes;
    std::map<std::pair<int, int>, std::uint64_t> wan_bytes;          // UDP payload offered from site to site
    std::map<std::pair<int, int>, std::uint64_t> wan_content_bytes;  // of these: payload of data frames
    std::map<std::pair<int, int>, std::uint64_t> data_bytes;         // payload of data frames from node to node
    std::function<bool(node& from, bytes& datagram)> tamper;         // false: lost

private:
    struct event {
        time_point when;
        std::uint64_t sequence;
        std::function<void()> action;
        bool operator<(const event& other) const { return std::tie(when, sequence) > std::tie(other.when, other.sequence); }
    };
    void deliver(const ip_address& from, std::uint16_t from_port, const endpoint& to, const bytes& payload);

    std::priority_queue<event> events_;
    std::uint64_t sequence_ = 0;
    std::map<std::pair<int, int>, time_point> wan_free_;
};

/// Makes `bad` serve bytes of the right shape that are others, and authenticate them all the same.
inline void spoil(node& bad, const content_info& content, const bytes& data) {
    bad.holds(content, data);
    bad.lies = true;
}

}  // namespace p2pdist::test
