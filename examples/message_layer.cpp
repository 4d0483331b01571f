// The message layer alone: two nodes in one process, joined by a wire that loses every fifth datagram. One asks a small question and
// gets an answer of 100 KB, which no datagram holds. There is no socket and no thread here: time and datagrams are arguments.

#include <p2pdist/driver/openssl_crypto.hpp>
#include <p2pdist/envelope/envelope.hpp>
#include <p2pdist/message/message_layer.hpp>

#include <cstdio>
#include <deque>
#include <utility>

using namespace p2pdist;

struct in_flight {
    endpoint from, to;
    bytes data;
};

/// An envelope, which says who is who, and the message layer on top of it.
struct node {
    node(const crypto_suite& crypto, entropy& random, const secret_key& signer, ip_address at, role as)
        : address(at), self(make_identity(crypto, random)),
          seal(crypto, random, self,
               credentials{sign_certificate(crypto, signer, as, self.key, 1, {2'000'000'000}), crypto.ed25519_public(signer), 1, {}}),
          messages(crypto, random, seal, random.u64(), config(as)) {}

    static message_layer_config config(role as) {
        message_layer_config out;
        out.own_role = as;
        return out;
    }

    /// Takes everything that the node wants to send or tell.
    void pump(time_point now, std::deque<in_flight>& wire) {
        const auto send = [&](const send_datagram& out) {
            bytes data = out.header;
            data.insert(data.end(), out.payload.view.begin(), out.payload.view.end());
            wire.push_back({{address, out.from_port}, out.to, std::move(data)});
        };
        for (bool again = true; again;) {
            again = false;
            while (auto output = messages.poll(now)) {
                again = true;
                if (auto* datagram = std::get_if<send_datagram>(&*output)) send(*datagram);
                if (auto* asked = std::get_if<message_received>(&*output))
                    messages.reply(now, asked->request, topology_view{1, std::string(100'000, '#')}, transfer_protocol::foreground);
                if (auto* answered = std::get_if<message_answered>(&*output)) answer = std::move(answered->body);
                if (auto* failed = std::get_if<message_failed>(&*output)) std::printf("failed: %s\n", failed->why.message.c_str());
            }
            while (auto output = seal.poll()) {
                again = true;
                if (auto* datagram = std::get_if<send_datagram>(&*output)) send(*datagram);
                if (auto* gone = std::get_if<peer_unreachable>(&*output)) messages.on_peer_unreachable(now, gone->peer);
            }
        }
    }

    void take(time_point now, const in_flight& in) {
        const received_datagram datagram{in.to, in.from, now, 0, in.data};
        const auto type = frame_type_of(in.data);
        if (type == frame_type::data || type == frame_type::data_strict)
            messages.on_data(now, datagram);
        else if (const auto frame = seal.on_datagram(now, {1'800'000'000}, datagram))
            messages.on_frame(now, *frame);
    }

    ip_address address;
    node_identity self;
    envelope seal;
    message_layer messages;
    message_body answer;
};

int main() {
    const auto crypto = make_openssl_crypto();
    const auto random = make_system_entropy();
    const auto signer = random->array<32>();  // the organisation's signing key: enrolment does this in earnest
    node client(*crypto, *random, signer, ip_address::v4(0x0a000001), role::client);
    node server(*crypto, *random, signer, ip_address::v4(0x0a000002), role::server);
    if (!client.seal.add_peer(server.self.id, server.self.key) || !server.seal.add_peer(client.self.id, client.self.key)) return 1;

    time_point now{std::chrono::seconds(1)};
    std::deque<in_flight> wire;
    unsigned carried = 0;
    (void)client.messages.request(now, {server.self.id, role::server, server.address}, topology_request{});
    while (!std::holds_alternative<topology_view>(client.answer) && now < time_point(std::chrono::minutes(2))) {
        for (auto* each : {&client, &server}) each->pump(now, wire);
        for (auto batch = std::exchange(wire, {}); const auto& datagram : batch) {
            if (++carried % 5 != 0) (datagram.to.address == client.address ? client : server).take(now, datagram);
        }
        now += std::chrono::milliseconds(1);
        for (auto* each : {&client, &server}) {
            each->seal.on_timer(now);
            each->messages.on_timer(now);
        }
    }
    const auto* view = std::get_if<topology_view>(&client.answer);
    if (!view) return 1;
    std::printf("%zu bytes in %u datagrams after %lld ms\n", view->spreadsheet.size(), carried,
                static_cast<long long>(std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() - 1000));
}
