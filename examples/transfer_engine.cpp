// The transfer engine alone: two nodes in one process, one gives a content to the other over a wire in memory.
// Links p2pdist_transfer and, for the hash functions, p2pdist_driver_crypto.

#include <cstdio>
#include <deque>
#include <map>
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

int main() {
    const auto crypto = make_openssl_crypto();
    const auto random = make_system_entropy();
    const wall_time today{1'800'000'000};

    // In an organisation the server signs certificates at enrolment; here we do.
    const secret_key server_seed = random->array<32>();
    const auto make_node = [&](std::uint32_t address) {
        const auto self = make_identity(*crypto, *random);
        credentials held;
        held.own = sign_certificate(*crypto, server_seed, role::client, self.key, 1, {today.seconds + 86'400});
        held.signing_key = crypto->ed25519_public(server_seed);
        held.key_epoch = 1;
        return std::make_unique<node>(*crypto, *random, self, held, ip_address::v4(address));
    };
    const auto giver = make_node(0x0a000001), taker = make_node(0x0a000002);
    giver->seal.add_peer(taker->seal.self().id, taker->seal.self().key);
    taker->seal.add_peer(giver->seal.self().id, giver->seal.self().key);

    // The giver has a content of 3 MB in its store; the taker knows its id, size and hash, and whom to ask.
    const bytes package(3'000'000, 0x42);
    const content_info content{*content_id::parse("package"), package.size(), {hash_kind::sha256_tree, make_tree(*crypto, package).root()}};
    giver->store.files()["package.bin"] = package;
    if (!giver->store.execute({0, store_import{content.id, content.hash, "package.bin"}}).ok()) return 1;
    time_point now{};
    giver->engine.serve(now, content);
    taker->engine.download(now, content);
    taker->engine.add_source(now, content.key(),
                             {giver->seal.self().id, role::client, giver->address, source_kind::office, transfer_protocol::foreground});

    // The loop that a driver would run: carry out outputs, bring in datagrams, wake up at deadlines. Here time jumps.
    struct on_wire {
        node* to;
        endpoint from, local;
        bytes payload;
    };
    std::deque<on_wire> wire;
    const auto send = [&](node& sender, const send_datagram& out) {
        bytes payload = out.header;
        payload.insert(payload.end(), out.payload.view.begin(), out.payload.view.end());
        wire.push_back({&sender == giver.get() ? taker.get() : giver.get(), {sender.address, out.from_port}, out.to, std::move(payload)});
    };
    const auto pump = [&](node& one) {
        while (auto out = one.engine.poll(now)) {
            if (const auto* datagram = std::get_if<send_datagram>(&*out)) send(one, *datagram);
            if (const auto* request = std::get_if<store_request>(&*out)) one.engine.on_store_done(now, one.store.execute(*request));
            if (const auto* asked = std::get_if<serve_request>(&*out)) one.engine.admit(now, asked->flow);
            if (const auto* finished = std::get_if<transfer_finished>(&*out)) {
                one.done = true;
                std::printf("%s: %s\n", content.id.text().c_str(), finished->failure ? finished->failure->message.c_str() : "complete");
            }
        }
        while (auto out = one.seal.poll()) {
            if (const auto* datagram = std::get_if<send_datagram>(&*out)) send(one, *datagram);
        }
    };
    while (!taker->done) {
        for (auto* one : {giver.get(), taker.get()}) pump(*one);
        if (wire.empty()) {  // nothing under way: sleep until somebody wants to be woken
            now = std::min({giver->engine.deadline(), taker->engine.deadline(), giver->seal.deadline(), taker->seal.deadline()});
            for (auto* one : {giver.get(), taker.get()}) one->engine.on_timer(now), one->seal.on_timer(now);
            continue;
        }
        now += std::chrono::microseconds(10);
        const auto next = std::move(wire.front());
        wire.pop_front();
        const received_datagram datagram{next.local, next.from, now, 0, next.payload};
        const auto type = frame_type_of(next.payload);
        if (type == frame_type::data || type == frame_type::data_strict) {
            next.to->engine.on_data(now, datagram);
        } else if (const auto frame = next.to->seal.on_datagram(now, today, datagram)) {
            next.to->engine.on_control(now, *frame);
        }
    }
    const auto written = taker->store.execute({0, store_export{content.key(), "copy.bin"}});
    return written.ok() && taker->store.files()["copy.bin"] == package ? 0 : 1;
}
