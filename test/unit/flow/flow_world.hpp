#pragma once
// Nodes with an envelope and a flow endpoint, joined by emulated links, and the objects that they exchange.

#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "p2pdist/base/random.hpp"
#include "p2pdist/envelope/envelope.hpp"
#include "p2pdist/flow/flow_endpoint.hpp"
#include "support/link.hpp"
#include "support/seeded_crypto.hpp"

namespace test_flow {

using namespace p2pdist;
using namespace std::chrono_literals;
using p2pdist::test::crypto;
using p2pdist::test::seeded_entropy;

inline constexpr std::uint64_t ip_udp_bytes = 28;
inline constexpr std::uint16_t receiver_port = 34760;
inline constexpr std::uint16_t sender_port = 34546;

/// The byte at an offset of every test object.
inline std::uint8_t object_byte(std::uint64_t offset) { return static_cast<std::uint8_t>((offset * 0x9e3779b97f4a7c15ull) >> 56); }

inline shared_bytes object_part(const index_range& range) {
    auto data = std::make_shared<bytes>();
    data->reserve(range.length);
    for (auto offset = range.first; offset < range.end(); ++offset) data->push_back(object_byte(offset));
    return shared_bytes(std::shared_ptr<const bytes>(std::move(data)));
}

/// Bytes that nobody looks at: for tests of speed.
inline shared_bytes blank_part(const index_range& range) {
    static const auto blank = std::make_shared<const bytes>(1u << 20);
    return {blank, byte_span(*blank).first(range.length)};
}

class flow_node {
public:
    flow_node(test::virtual_clock& clock, std::uint8_t host, flow_endpoint_config config = {})
        : clock_(&clock), host_(host), random_(host), config_(std::move(config)), identity_(identity_from_secret(crypto(), secret(host))) {
        boot();
    }

    /// Starts the process anew: nothing is remembered.
    void boot() {
        flows.reset();
        seal = std::make_unique<envelope>(crypto(), random_, identity_, held());
        flows = std::make_unique<flow_endpoint>(crypto(), random_, *seal, host_, config_);
        for (const auto& [id, key] : known_) (void)seal->add_peer(id, key);
        ++life_;
    }
    void connect(flow_node& other, test::link& out) {
        known_.emplace_back(other.identity_.id, other.identity_.key);
        REQUIRE(seal->add_peer(other.identity_.id, other.identity_.key));
        routes_[other.address()] = {&other, &out};
    }

    [[nodiscard]] const client_id& id() const noexcept { return identity_.id; }
    [[nodiscard]] ip_address address() const { return ip_address::v4(0x0a000000u + host_); }
    [[nodiscard]] time_point now() const { return clock_->now(); }

    flow_handle open(flow_node& from, flow_open request, std::vector<index_range> wanted) {
        const auto flow = flows->open(now(), from.id(), {receiver_port, {from.address(), sender_port}}, std::move(request));
        if (!wanted.empty()) flows->want(now(), flow, std::move(wanted));
        pump();
        return flow;
    }

    void kill() { dead_ = true; }
    [[nodiscard]] bool dead() const noexcept { return dead_; }

    /// Takes what came out and arms the timer.
    void pump() {
        if (dead_) return;
        for (bool again = true; again;) {
            again = false;
            while (auto output = flows->poll(now())) {
                again = true;
                std::visit([&](auto& value) { perform(value); }, *output);
            }
            while (auto output = seal->poll()) {
                again = true;
                if (auto* datagram = std::get_if<send_datagram>(&*output)) transmit(*datagram);
                if (const auto* gone = std::get_if<peer_unreachable>(&*output)) flows->on_peer_unreachable(now(), gone->peer);
                if (const auto* ready = std::get_if<session_ready>(&*output); ready && ready->restarted)
                    flows->on_peer_restarted(now(), ready->peer);
            }
        }
        arm();
    }

    // What the upper layer does.
    std::uint64_t object_bytes = 0;                       ///< of everything that is asked of this node
    std::function<shared_bytes(const index_range&)> supply = object_part;
    std::function<bool(const flow_requested&)> on_request;     ///< true: handled
    std::function<bool(const flow_needs&)> on_need;            ///< true: handled
    std::function<void(const flow_piece&)> on_piece;
    std::function<void(const received_datagram&)> on_datagram;
    std::function<bool(const opened&)> on_control;        ///< true: handled
    std::function<duration()> lateness;                   ///< of timers

    // What was seen.
    std::vector<flow_requested> requested;
    std::vector<flow_accepted> accepted;
    std::vector<flow_status_changed> statuses;
    std::vector<flow_ended> ended;
    std::uint64_t sent_wire_bytes = 0;    ///< with IP and UDP headers
    std::uint64_t sent_datagrams = 0;
    std::uint64_t needs = 0;
    std::size_t datagram_max = 0;

    std::unique_ptr<envelope> seal;
    std::unique_ptr<flow_endpoint> flows;

    void receive(const send_datagram& datagram, const ip_address& from, const bytes& data) {
        if (dead_) return;
        const received_datagram in{{address(), datagram.to.port}, {from, datagram.from_port}, now(), 0, data};
        if (on_datagram) on_datagram(in);
        const auto type = frame_type_of(data);
        if (type == frame_type::data || type == frame_type::data_strict) {
            if (const auto piece = flows->on_data(now(), in); piece && on_piece) on_piece(*piece);
        } else if (const auto frame = seal->on_datagram(now(), wall, in)) {
            if (!on_control || !on_control(*frame)) flows->on_control(now(), *frame);
        }
        pump();
    }

private:
    struct route {
        flow_node* node;
        test::link* out;
    };
    static constexpr wall_time wall{1'800'000'000};

    static secret_key secret(std::uint8_t byte) {
        secret_key key{};
        key.fill(byte);
        return key;
    }
    [[nodiscard]] credentials held() const {
        const auto signer = secret(0xee);
        return {sign_certificate(crypto(), signer, role::client, identity_.key, 7, {1'900'000'000}), crypto().ed25519_public(signer), 7, secret(0x67)};
    }

    void perform(send_datagram& value) { transmit(value); }
    void perform(flow_requested& value) {
        requested.push_back(value);
        if (on_request && on_request(value)) return;
        flows->accept(now(), value.flow, object_bytes, {});
    }
    void perform(flow_accepted& value) { accepted.push_back(value); }
    void perform(flow_needs& value) {
        ++needs;
        if (on_need && on_need(value)) return;
        flows->provide(now(), value.flow, value.range.first, supply(value.range));
    }
    void perform(flow_status_changed& value) { statuses.push_back(value); }
    void perform(flow_ended& value) { ended.push_back(value); }

    void transmit(const send_datagram& datagram) {
        const auto found = routes_.find(datagram.to.address);
        if (found == routes_.end()) return;
        ++sent_datagrams;
        sent_wire_bytes += datagram.size() + ip_udp_bytes;
        datagram_max = std::max(datagram_max, datagram.size());
        bytes data = datagram.header;
        data.insert(data.end(), datagram.payload.view.begin(), datagram.payload.view.end());
        auto* const to = found->second.node;
        send_datagram envelope_only = datagram;
        envelope_only.payload = {};
        const auto wire_bytes = data.size() + ip_udp_bytes;
        found->second.out->send(wire_bytes, [to, from = address(), head = std::move(envelope_only), data = std::move(data)] {
            to->receive(head, from, data);
        });
    }

    void arm() {
        auto when = std::min(flows->deadline(), seal->deadline());
        if (when == never) return;
        if (lateness) when = std::max(when, now()) + lateness();
        if (armed_ <= when && armed_ > now()) return;
        armed_ = when;
        clock_->at(when, [this, when, life = life_] {
            if (life != life_ || armed_ != when || dead_) return;
            armed_ = never;
            seal->on_timer(now());
            flows->on_timer(now());
            pump();
        });
    }

    test::virtual_clock* clock_;
    std::uint8_t host_;
    seeded_entropy random_;
    flow_endpoint_config config_;
    node_identity identity_;
    std::vector<std::pair<client_id, public_key>> known_;
    std::map<ip_address, route> routes_;
    bool dead_ = false;
    int life_ = 0;
    time_point armed_ = never;
};

/// A sender and a receiver with a link each way.
struct pair_of_nodes {
    explicit pair_of_nodes(test::link_config forward = {}, test::link_config back = {}, flow_endpoint_config config = {})
        : down(clock, forward), up(clock, back), sender(clock, 1, config), receiver(clock, 2, config) {
        sender.connect(receiver, down);
        receiver.connect(sender, up);
        receiver.on_piece = [this](const flow_piece& piece) { take(piece); };
    }

    void take(const flow_piece& piece) {
        if (piece.repeated) {
            ++repeated_pieces;
            return;
        }
        bool right = true;
        for (std::size_t at = 0; at < piece.payload.size() && check_bytes; ++at) right = right && piece.payload[at] == object_byte(piece.offset + at);
        if (!right) ++wrong_pieces;
        received_bytes += piece.payload.size();
        for (const auto& range : forbidden)
            if (piece.offset < range.end() && range.first < piece.offset + piece.payload.size()) ++unwanted_pieces;
        if (keep_map) {
            // Every byte once: a second arrival would find its place taken.
            for (auto offset = piece.offset; offset < piece.offset + piece.payload.size(); ++offset)
                if (seen.size() > offset) {
                    ++(seen[offset] ? repeated_bytes : seen_total);
                    seen[offset] = true;
                }
        }
        if (after_piece) after_piece(piece);
    }
    void watch(std::uint64_t object_size) {
        sender.object_bytes = object_size;
        keep_map = true;
        seen.assign(object_size, false);
    }
    [[nodiscard]] std::uint64_t seen_bytes() const noexcept { return seen_total; }

    test::virtual_clock clock;
    test::link down;
    test::link up;
    flow_node sender;
    flow_node receiver;

    bool check_bytes = true;
    bool keep_map = false;
    std::vector<bool> seen;
    std::uint64_t seen_total = 0;
    std::vector<index_range> forbidden;
    std::function<void(const flow_piece&)> after_piece;
    std::uint64_t received_bytes = 0;
    std::uint64_t wrong_pieces = 0;
    std::uint64_t unwanted_pieces = 0;
    std::uint64_t repeated_bytes = 0;
    std::uint64_t repeated_pieces = 0;   ///< given to be compared
};

inline flow_open open_of(transfer_protocol protocol = transfer_protocol::foreground, bool strict = false) {
    flow_open request;
    request.object = message_object{7};
    request.protocol = protocol;
    request.strict = strict;
    return request;
}

}  // namespace test_flow
