// The transfer engine alone: two nodes in one process, one gives a content to the other over a wire in memory.
// Links p2pdist_transfer and, for the hash functions, p2pdist_driver_crypto.

#include <algorithm>
#include <cstdio>
#include <deque>
#include <memory>

#include "p2pdist/content/hash_tree.hpp"
#include "p2pdist/content/memory_store.hpp"
#include "p2pdist/driver/openssl_crypto.hpp"
#include "p2pdist/envelope/envelope.hpp"
#include "p2pdist/transfer/transfer_engine.hpp"

using namespace p2pdist;

struct node {
    node(const crypto_suite& crypto, entropy& random, const node_identity& self, const credentials& held, ip_address own_address)
        : seal(crypto, random, self, held), store(crypto), engine(crypto, random, seal, 1, {}), address(own_address) {}
    envelope seal;  // says who sent what
    memory_store store;
    transfer_engine engine;
    ip_address address;
    bool done = false;
};

constexpr wall_time today{1'800'000'000};

/// In an organisation the server signs certificates at enrolment; here we do.
std::unique_ptr<node> make_node(const crypto_suite& crypto, entropy& random, const secret_key& server_seed, ip_address address) {
    const auto self = make_identity(crypto, random);
    credentials held;
    held.own = sign_certificate(crypto, server_seed, role::client, self.key, 1, {today.seconds + 86'400});
    held.signing_key = crypto.ed25519_public(server_seed);
    held.key_epoch = 1;
    return std::make_unique<node>(crypto, random, self, held, address);
}

/// The loop that a driver would run: carries out outputs, brings in datagrams, wakes up at deadlines. Here time jumps.
class wire {
public:
    wire(node& first, node& second) : nodes_{&first, &second} {}

    void step() {
        for (auto* one : nodes_) carry_out(*one);
        if (under_way_.empty()) return sleep();
        now_ += std::chrono::microseconds(10);
        deliver(under_way_.front());
        under_way_.pop_front();
    }
    [[nodiscard]] time_point now() const { return now_; }

private:
    struct datagram {
        node* to;
        endpoint from, local;
        bytes payload;
    };

    void carry_out(node& one) {
        while (auto out = one.engine.poll(now_)) {
            if (const auto* sent = std::get_if<send_datagram>(&*out)) send(one, *sent);
            if (const auto* request = std::get_if<store_request>(&*out)) one.engine.on_store_done(now_, one.store.execute(*request));
            if (const auto* asked = std::get_if<serve_request>(&*out)) one.engine.admit(now_, asked->flow);
            if (const auto* finished = std::get_if<transfer_finished>(&*out)) {
                one.done = true;
                std::printf("%s\n", finished->failure ? finished->failure->message.c_str() : "complete");
            }
        }
        while (auto out = one.seal.poll()) {
            if (const auto* sent = std::get_if<send_datagram>(&*out)) send(one, *sent);
        }
    }
    void send(node& sender, const send_datagram& out) {
        bytes payload = out.header;
        payload.insert(payload.end(), out.payload.view.begin(), out.payload.view.end());
        under_way_.push_back({nodes_[&sender == nodes_[0] ? 1 : 0], {sender.address, out.from_port}, out.to, std::move(payload)});
    }
    void deliver(const datagram& one) {
        const received_datagram received{one.local, one.from, now_, 0, one.payload};
        const auto type = frame_type_of(one.payload);
        if (type == frame_type::data || type == frame_type::data_strict) {
            one.to->engine.on_data(now_, received);
        } else if (const auto frame = one.to->seal.on_datagram(now_, today, received)) {
            one.to->engine.on_control(now_, *frame);
        }
    }
    /// Nothing is under way: until somebody wants to be woken.
    void sleep() {
        now_ = never;
        for (auto* one : nodes_) now_ = std::min({now_, one->engine.deadline(), one->seal.deadline()});
        for (auto* one : nodes_) one->engine.on_timer(now_), one->seal.on_timer(now_);
    }

    node* nodes_[2];
    std::deque<datagram> under_way_;
    time_point now_{};
};

int main() {
    const auto crypto = make_openssl_crypto();
    const auto random = make_system_entropy();
    const secret_key server_seed = random->array<32>();
    const auto giver = make_node(*crypto, *random, server_seed, ip_address::v4(0x0a000001));
    const auto taker = make_node(*crypto, *random, server_seed, ip_address::v4(0x0a000002));
    giver->seal.add_peer(taker->seal.self().id, taker->seal.self().key);
    taker->seal.add_peer(giver->seal.self().id, giver->seal.self().key);

    // The giver has a content of 3 MB in its store; the taker knows its id, size and hash, and whom to ask.
    const bytes package(3'000'000, 0x42);
    const content_info content{*content_id::parse("package"), package.size(), {hash_kind::sha256_tree, make_tree(*crypto, package).root()}};
    giver->store.files()["package.bin"] = package;
    if (!giver->store.execute({0, store_import{content.id, content.hash, "package.bin"}}).ok()) return 1;
    wire between(*giver, *taker);
    giver->engine.serve(between.now(), content);
    taker->engine.download(between.now(), content);
    taker->engine.add_source(between.now(), content.key(),
                             {giver->seal.self().id, role::client, giver->address, source_kind::office, transfer_protocol::foreground});
    while (!taker->done) between.step();

    const auto written = taker->store.execute({0, store_export{content.key(), "copy.bin"}});
    return written.ok() && taker->store.files()["copy.bin"] == package ? 0 : 1;
}
