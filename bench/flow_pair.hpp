#pragma once
// A sender and a receiver in one thread, joined by a wire of memory: no loss, no rate, a fixed delay of virtual time. Each datagram
// is copied once, as a socket would.

#include <deque>

#include "harness.hpp"
#include "p2pdist/driver/openssl_crypto.hpp"
#include "p2pdist/envelope/envelope.hpp"
#include "p2pdist/flow/flow_endpoint.hpp"

namespace p2pdist::bench {

/// Repeatable, so that every run does the same.
class seeded_entropy final : public entropy {
public:
    explicit seeded_entropy(std::uint64_t seed) : random_(seed) {}
    void fill(mutable_byte_span out) override {
        for (auto& byte : out) byte = static_cast<std::uint8_t>(random_() >> 56);
    }

private:
    random_source random_;
};

struct carried {
    time_point arrives;
    endpoint from;
    endpoint to;
    bytes data;
};

class flow_node {
public:
    flow_node(const crypto_suite& crypto, std::uint8_t number)
        : random_(number),
          address_(ip_address::v4(0x0a000000u + number)),
          identity_(identity_from_secret(crypto, secret(number))),
          envelope_(crypto, random_, identity_, held(crypto, identity_.key)),
          flows_(crypto, random_, envelope_, number) {}
    flow_node(const flow_node&) = delete;  // flows_ refers to envelope_
    flow_node& operator=(const flow_node&) = delete;

    void know(const flow_node& other) { require(envelope_.add_peer(other.identity_.id, other.identity_.key), "add_peer"); }

    void fetch(time_point now, const flow_node& from, bool strict, std::uint64_t size) {
        flow_open request;
        request.object = message_object{7};
        request.strict = strict;
        const auto flow = flows_.open(now, from.identity_.id, {receiver_port, {from.address_, sender_port}}, request);
        flows_.want(now, flow, {{0, size}});
    }
    /// What it gives to whoever asks.
    void serve(std::shared_ptr<const bytes> object) { object_ = std::move(object); }

    void receive(time_point now, const carried& datagram) {
        const received_datagram in{datagram.to, datagram.from, now, 0, datagram.data};
        const auto type = frame_type_of(datagram.data);
        if (type == frame_type::data || type == frame_type::data_strict) {
            if (const auto piece = flows_.on_data(now, in)) {
                received_ += piece->payload.size();
                last_ = piece->payload.back();
            }
        } else if (const auto frame = envelope_.on_datagram(now, wall_time{1'800'000'000}, in)) {
            flows_.on_control(now, *frame);
        }
    }
    void on_timer(time_point now) {
        if (envelope_.deadline() <= now) envelope_.on_timer(now);
        if (flows_.deadline() <= now) flows_.on_timer(now);
    }
    [[nodiscard]] time_point deadline() const { return std::min(envelope_.deadline(), flows_.deadline()); }

    /// Puts on the wire what came out.
    void pump(time_point now, std::deque<carried>& wire) {
        for (bool again = true; again;) {
            again = false;
            while (const auto output = flows_.poll(now)) {
                again = true;
                if (const auto* datagram = std::get_if<send_datagram>(&*output)) put(now, *datagram, wire);
                if (const auto* asked = std::get_if<flow_requested>(&*output)) flows_.accept(now, asked->flow, object_->size(), {});
                if (const auto* need = std::get_if<flow_needs>(&*output))
                    flows_.provide(now, need->flow, need->range.first, {object_, byte_span(*object_).subspan(need->range.first, need->range.length)});
                require(!std::holds_alternative<flow_ended>(*output), "a flow ended");
            }
            while (const auto output = envelope_.poll()) {
                again = true;
                if (const auto* datagram = std::get_if<send_datagram>(&*output)) put(now, *datagram, wire);
            }
        }
    }

    [[nodiscard]] std::uint64_t received_bytes() const noexcept { return received_; }
    [[nodiscard]] std::uint8_t last_byte() const noexcept { return last_; }

private:
    static constexpr duration delay = std::chrono::microseconds(200);
    static constexpr std::uint16_t receiver_port = 34760;
    static constexpr std::uint16_t sender_port = 34546;

    static secret_key secret(std::uint8_t byte) {
        secret_key key{};
        key.fill(byte);
        return key;
    }
    static credentials held(const crypto_suite& crypto, const public_key& key) {
        const auto signer = secret(0xee);
        return {sign_certificate(crypto, signer, role::client, key, 7, {1'900'000'000}), crypto.ed25519_public(signer), 7, secret(0x67)};
    }

    void put(time_point now, const send_datagram& datagram, std::deque<carried>& wire) const {
        const auto arrives = wire.empty() ? now + delay : std::max(now + delay, wire.back().arrives);
        bytes data;
        data.reserve(datagram.size());
        data.insert(data.end(), datagram.header.begin(), datagram.header.end());
        data.insert(data.end(), datagram.payload.view.begin(), datagram.payload.view.end());
        wire.push_back({arrives, {address_, datagram.from_port}, datagram.to, std::move(data)});
    }

    seeded_entropy random_;
    ip_address address_;
    node_identity identity_;
    envelope envelope_;
    flow_endpoint flows_;
    std::shared_ptr<const bytes> object_;
    std::uint64_t received_ = 0;
    std::uint8_t last_ = 0;
};

/// Carries `object` from one node to another over a new session and a new flow, and checks that every byte came once.
inline void carry(const crypto_suite& crypto, const std::shared_ptr<const bytes>& object, bool strict) {
    flow_node sender(crypto, 1);
    flow_node receiver(crypto, 2);
    sender.know(receiver);
    receiver.know(sender);
    sender.serve(object);
    time_point now(std::chrono::seconds(1000));
    const auto end = now + std::chrono::seconds(60);
    std::deque<carried> down;
    std::deque<carried> up;
    const auto deliver = [&](std::deque<carried>& wire, flow_node& to) {
        while (!wire.empty() && wire.front().arrives <= now) {
            to.receive(now, wire.front());
            wire.pop_front();
        }
    };
    receiver.fetch(now, sender, strict, object->size());
    while (receiver.received_bytes() < object->size() && now < end) {
        sender.pump(now, down);
        receiver.pump(now, up);
        auto next = std::min(sender.deadline(), receiver.deadline());
        if (!down.empty()) next = std::min(next, down.front().arrives);
        if (!up.empty()) next = std::min(next, up.front().arrives);
        require(next != never, "nothing is under way");
        now = std::max(now, next);
        deliver(down, receiver);
        deliver(up, sender);
        sender.on_timer(now);
        receiver.on_timer(now);
    }
    require(receiver.received_bytes() == object->size() && receiver.last_byte() == object->back(), "the flow's bytes");
}

}  // namespace p2pdist::bench
