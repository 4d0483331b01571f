#pragma once
// Nodes with an envelope and a message layer on one lossy network, and what each of them saw.

#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "p2pdist/envelope/envelope.hpp"
#include "p2pdist/message/message_layer.hpp"
#include "support/link.hpp"
#include "support/seeded_crypto.hpp"

namespace test_message {

using namespace p2pdist;
using namespace std::chrono_literals;
using p2pdist::test::crypto;
using p2pdist::test::seeded_entropy;

/// Computes every hash wrongly, as a sender that announces something else than it sends.
class lying_crypto final : public crypto_suite {
public:
    digest sha256(byte_parts parts) const override {
        auto out = crypto().sha256(parts);
        out[0] ^= 1;
        return out;
    }
    digest hmac_sha256(byte_span key, byte_parts parts) const override { return crypto().hmac_sha256(key, parts); }
    std::uint64_t siphash(const short_key& key, byte_parts parts) const override { return crypto().siphash(key, parts); }
    public_key x25519_public(const secret_key& secret) const override { return crypto().x25519_public(secret); }
    std::optional<secret_key> x25519_shared(const secret_key& secret, const public_key& other) const override {
        return crypto().x25519_shared(secret, other);
    }
    public_key ed25519_public(const secret_key& seed) const override { return crypto().ed25519_public(seed); }
    signature ed25519_sign(const secret_key& seed, byte_span text) const override { return crypto().ed25519_sign(seed, text); }
    bool ed25519_verify(const public_key& key, byte_span text, const signature& sig) const override {
        return crypto().ed25519_verify(key, text, sig);
    }
    bytes aead_seal(const secret_key& key, const aead_nonce& nonce, byte_span associated, byte_span plain) const override {
        return crypto().aead_seal(key, nonce, associated, plain);
    }
    std::optional<bytes> aead_open(const secret_key& key, const aead_nonce& nonce, byte_span associated, byte_span sealed) const override {
        return crypto().aead_open(key, nonce, associated, sealed);
    }
};

/// A request of this many bytes and more, and its answer; the text tells them apart.
inline message_body ask(std::string text, std::size_t size = 0) {
    text.resize(std::max(text.size(), size), '.');
    return topology_import_request{std::move(text), true};
}
inline message_body answer(std::string text, std::size_t size = 0) {
    text.resize(std::max(text.size(), size), '.');
    return topology_export_reply{1, std::move(text)};
}
inline const std::string& text_of(const message_body& body) {
    if (const auto* request = std::get_if<topology_import_request>(&body)) return request->spreadsheet;
    return std::get<topology_export_reply>(body).spreadsheet;
}

struct message_node;

/// One network for all: datagrams of each node leave over its own link.
struct message_world {
    explicit message_world(test::link_config link = {}) : config(link) {}

    struct sight {
        role from_role, to_role;
        std::uint16_t from_port, to_port;
        frame_type type;
        auto operator<=>(const sight&) const = default;
    };
    test::virtual_clock clock;
    test::link_config config;
    std::map<ip_address, message_node*> nodes;
    std::set<sight> seen;
    std::map<ip_address, int> data_frames_to;
    /// May alter a datagram; false: lose it.
    std::function<bool(const send_datagram&, bytes& data)> tamper;
    std::size_t datagram_max = 0;
};

struct message_node {
    message_node(message_world& in, std::uint8_t number, role who = role::client, message_layer_config settings = {})
        : world(in), host(number), as(who), config(std::move(settings)), random(number), identity(identity_from_secret(crypto(), secret(host))),
          out(in.clock, seeded(in.config, number)) {
        config.own_role = who;
        world.nodes[address()] = this;
        boot();
    }

    /// Starts the process anew: nothing is remembered.
    void boot() {
        ++life;
        layer.reset();
        seal = std::make_unique<envelope>(crypto(), random, identity, held());
        layer = std::make_unique<message_layer>(*layer_crypto, random, *seal, host, config);
        for (const auto& [id, key] : known) (void)seal->add_peer(id, key);
        armed = never;
    }
    void meet(message_node& other) {
        known[other.identity.id] = other.identity.key;
        other.known[identity.id] = identity.key;
        REQUIRE(seal->add_peer(other.identity.id, other.identity.key));
        REQUIRE(other.seal->add_peer(identity.id, identity.key));
    }

    [[nodiscard]] ip_address address() const { return ip_address::v4(0x0a000000u + host); }
    [[nodiscard]] time_point now() const { return world.clock.now(); }
    [[nodiscard]] message_peer peer() const { return {identity.id, as, address()}; }

    message_handle request(const message_node& to, message_body body, message_options options = {}) {
        const auto handle = layer->request(now(), to.peer(), std::move(body), options);
        pump();
        return handle;
    }
    void reply(const message_received& to, message_body body, transfer_protocol protocol = transfer_protocol::background) {
        layer->reply(now(), to.request, std::move(body), protocol);
        pump();
    }

    void pump() {
        for (bool again = true; again;) {
            again = false;
            while (auto output = layer->poll(now())) {
                again = true;
                std::visit([&](auto& value) { perform(value); }, *output);
            }
            while (auto output = seal->poll()) {
                again = true;
                if (auto* datagram = std::get_if<send_datagram>(&*output)) transmit(*datagram);
                if (const auto* gone = std::get_if<peer_unreachable>(&*output)) layer->on_peer_unreachable(now(), gone->peer);
                if (const auto* ready = std::get_if<session_ready>(&*output); ready && ready->restarted)
                    layer->on_peer_restarted(now(), ready->peer);
                if (const auto* versions = std::get_if<version_mismatch>(&*output))
                    layer->on_version_mismatch(now(), versions->peer, version_error("this client", {}, "the server", versions->theirs));
            }
        }
        arm();
    }

    void receive(const send_datagram& head, const ip_address& from, const bytes& data) {
        const received_datagram in{{address(), head.to.port}, {from, head.from_port}, now(), 0, data};
        const auto type = frame_type_of(data);
        CHECK(layer->owns_port(head.to.port));
        if (type == frame_type::data || type == frame_type::data_strict) {
            layer->on_data(now(), in);
        } else if (const auto frame = seal->on_datagram(now(), {1'800'000'000}, in)) {
            layer->on_frame(now(), *frame);
        }
        pump();
    }

    std::function<void(const message_received&)> on_message = [this](const message_received& in) { reply(in, answer("re: " + text_of(in.body))); };

    message_world& world;
    std::uint8_t host;
    role as;
    message_layer_config config;
    const crypto_suite* layer_crypto = &crypto();
    seeded_entropy random;
    node_identity identity;
    test::link out;
    std::map<client_id, public_key> known;
    std::unique_ptr<envelope> seal;
    std::unique_ptr<message_layer> layer;
    int life = 0;
    time_point armed = never;

    std::vector<message_received> received;
    std::map<message_handle, std::vector<message_body>> answered;
    std::map<message_handle, std::vector<error>> failed;
    std::map<frame_type, int> sent;
    std::size_t ended() const {
        std::size_t count = 0;
        for (const auto& [handle, bodies] : answered) count += bodies.size();
        for (const auto& [handle, reasons] : failed) count += reasons.size();
        return count;
    }

private:
    static secret_key secret(std::uint8_t byte) {
        secret_key key{};
        key.fill(byte);
        return key;
    }
    static test::link_config seeded(test::link_config config, std::uint64_t seed) {
        config.seed = config.seed * 1000 + seed;
        return config;
    }
    [[nodiscard]] credentials held() const {
        const auto signer = secret(0xee);
        return {sign_certificate(crypto(), signer, as, identity.key, 7, {1'900'000'000}), crypto().ed25519_public(signer), 7, secret(0x67)};
    }

    void perform(send_datagram& value) { transmit(value); }
    void perform(message_received& value) {
        received.push_back(value);
        if (on_message) on_message(value);
    }
    void perform(message_answered& value) { answered[value.request].push_back(value.body); }
    void perform(message_failed& value) { failed[value.request].push_back(value.why); }

    void transmit(const send_datagram& datagram) {
        bytes data = datagram.header;
        data.insert(data.end(), datagram.payload.view.begin(), datagram.payload.view.end());
        world.datagram_max = std::max(world.datagram_max, data.size());
        const auto found = world.nodes.find(datagram.to.address);
        if (found == world.nodes.end()) return;
        auto* const to = found->second;
        const auto type = frame_type_of(data).value();
        ++sent[type];
        if (type == frame_type::data || type == frame_type::data_strict) ++world.data_frames_to[datagram.to.address];
        world.seen.insert({as, to->as, datagram.from_port, datagram.to.port, type});
        if (world.tamper && !world.tamper(datagram, data)) return;
        send_datagram head;
        head.from_port = datagram.from_port;
        head.to = datagram.to;
        const auto wire_bytes = data.size() + 28;
        out.send(wire_bytes, [to, from = address(), head, data = std::move(data)] { to->receive(head, from, data); });
    }

    void arm() {
        const auto when = std::min(layer->deadline(), seal->deadline());
        if (when == never || (armed <= when && armed > now())) return;
        armed = when;
        world.clock.at(when, [this, when, born = life] {
            if (born != life || armed != when) return;
            armed = never;
            seal->on_timer(now());
            layer->on_timer(now());
            pump();
        });
    }
};

/// Runs until this many of the node's requests have ended.
inline bool run_until_ended(message_node& node, std::size_t count, duration limit = 300s) {
    return node.world.clock.run_until(node.now() + limit, [&] { return node.ended() >= count; });
}

}  // namespace test_message
