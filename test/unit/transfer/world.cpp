#include "world.hpp"

namespace p2pdist::test {

namespace {

const secret_key signing_seed{1, 2, 3};

node_identity identity_of(int number) {
    seeded_entropy random(static_cast<std::uint64_t>(number) + 1000);
    return make_identity(crypto(), random);
}

credentials credentials_of(const node_identity& self, role as) {
    credentials held;
    held.own = sign_certificate(crypto(), signing_seed, as, self.key, 1, {4'000'000'000});
    held.signing_key = crypto().ed25519_public(signing_seed);
    held.key_epoch = 1;
    return held;
}

transfer_engine_config config_of(const node_options& options) {
    auto config = options.engine;
    config.own_role = options.as;
    return config;
}

std::string name_of(const store_request& request) {
    constexpr std::array names{"open", "close", "read", "write", "append", "finish", "install_tree"};
    return request.operation.index() < names.size() ? names[request.operation.index()] : "other";
}

}  // namespace

node::node(world& where, int own_number, node_options given)
    : in(where),
      number(own_number),
      options(std::move(given)),
      address(ip_address::v4(0x0a000000u + static_cast<std::uint32_t>(options.site) * 256 + static_cast<std::uint32_t>(own_number))),
      random(where.options.seed * 1000 + static_cast<std::uint64_t>(own_number)),
      seal(crypto(), random, identity_of(own_number), credentials_of(identity_of(own_number), options.as)),
      store(crypto(), options.store),
      engine(crypto(), random, seal, where.options.seed * 77 + static_cast<std::uint64_t>(own_number), config_of(options)) {}

void node::holds(const content_info& content, const bytes& data) {
    store.files()["/in"] = data;
    const auto done = store.execute({1, store_import{content.id, content.hash, "/in"}});
    REQUIRE(done.ok());
    engine.serve(in.now, content);
    pump();
}

void node::gets(const content_info& content) {
    engine.download(in.now, content);
    pump();
}

void node::from(const content_info& content, const node& other, source_kind kind) {
    engine.add_source(in.now, content.key(), other.as_source(kind));
    pump();
}

bytes node::content(const content_info& content) {
    const auto done = store.execute({2, store_export{content.key(), "/out"}});
    return done.ok() ? store.files()["/out"] : bytes{};
}

void node::pump() {
    if (dead) return;
    for (bool more = true; more;) {
        more = false;
        while (auto out = engine.poll(in.now)) {
            more = true;
            if (auto* datagram = std::get_if<send_datagram>(&*out)) {
                in.transmit(*this, std::move(*datagram));
            } else if (auto* request = std::get_if<store_request>(&*out)) {
                ++store_requests[name_of(*request)];
                if (const auto* write = std::get_if<store_write_chunk>(&request->operation)) written.push_back(write->chunk);
                in.at(in.now + options.store_delay, [this, asked = std::move(*request)] {
                    if (dead) return;
                    auto done = store.execute(asked);
                    if (auto* read = std::get_if<store_region>(&done.value); lies && read != nullptr) {
                        auto other = std::make_shared<bytes>(read->region.view.begin(), read->region.view.end());
                        other->back() ^= 0x80;
                        read->region = shared_bytes(std::move(other));
                    }
                    engine.on_store_done(in.now, std::move(done));
                    pump();
                });
            } else {
                events.push_back(*out);
                if (const auto* serve = std::get_if<serve_request>(&*out)) {
                    if (admits(*serve)) engine.admit(in.now, serve->flow);
                    else engine.deny(in.now, serve->flow, {errc::refused, "not you", 0});
                }
            }
        }
        while (auto out = seal.poll()) {
            more = true;
            if (auto* datagram = std::get_if<send_datagram>(&*out)) in.transmit(*this, std::move(*datagram));
            if (const auto* lost = std::get_if<peer_unreachable>(&*out)) engine.on_peer_unreachable(in.now, lost->peer);
        }
    }
    in.wake(*this, std::min(engine.deadline(), seal.deadline()));
}

void world::wake(node& one, time_point when) {
    if (when == never || when >= one.wake_at) return;
    one.wake_at = std::max(when, now);
    at(one.wake_at, [this, &one, at = one.wake_at] {
        if (one.dead || one.wake_at != at) return;
        one.wake_at = never;
        one.engine.on_timer(now);
        one.seal.on_timer(now);
        one.pump();
    });
}

void world::transmit(node& sender, send_datagram datagram) {
    bytes payload = datagram.header;
    payload.insert(payload.end(), datagram.payload.view.begin(), datagram.payload.view.end());
    node* receiver = nullptr;
    for (auto& one : nodes) {
        if (one->address == datagram.to.address) receiver = one.get();
    }
    if (receiver == nullptr) return;
    const auto size = payload.size() + 28;
    const auto takes = [&](double rate) { return duration(static_cast<std::int64_t>(static_cast<double>(size) / rate * 1e9)); };
    const bool is_data = decode_data_header(payload).has_value();
    if (is_data) data_bytes[{sender.number, receiver->number}] += payload.size() - data_overhead_bytes;

    auto leaves = std::max(now, sender.uplink_free) + takes(options.lan_bytes_per_second);
    sender.uplink_free = leaves;
    auto arrives = leaves + options.lan_delay;
    if (sender.options.site != receiver->options.site) {
        const std::pair link{sender.options.site, receiver->options.site};
        wan_bytes[link] += payload.size();
        if (is_data) wan_content_bytes[link] += payload.size() - data_overhead_bytes;
        auto& free = wan_free_[link];
        const auto queued = free > leaves ? std::chrono::duration<double>(free - leaves).count() * options.wan_bytes_per_second : 0;
        if (queued > static_cast<double>(options.wan_queue_bytes)) return;
        free = std::max(free, leaves) + takes(options.wan_bytes_per_second);
        arrives = free + options.wan_delay;
    }
    if (options.loss > 0 && random.unit() < options.loss) return;
    if (tamper && !tamper(sender, payload)) return;
    if (options.reordered > 0 && random.unit() < options.reordered) arrives += random.jittered(3ms, 0.9);
    const int copies = options.duplicated > 0 && random.unit() < options.duplicated ? 2 : 1;
    for (int i = 0; i < copies; ++i) {
        at(arrives, [this, from = sender.address, port = datagram.from_port, to = datagram.to, payload] {
            deliver(from, port, to, payload);
        });
    }
}

void world::deliver(const ip_address& from, std::uint16_t from_port, const endpoint& to, const bytes& payload) {
    for (auto& one : nodes) {
        if (one->address != to.address || one->dead) continue;
        REQUIRE(one->engine.owns_port(to.port));
        received_datagram datagram{to, {from, from_port}, now, 0, payload};
        if (decode_data_header(payload)) {
            one->engine.on_data(now, datagram);
        } else if (const auto frame = one->seal.on_datagram(now, {1'900'000'000}, datagram)) {
            if (frame->type == frame_type::flow_control) one->instead ? one->instead(*frame) : one->engine.on_control(now, *frame);
        }
        one->pump();
    }
}

}  // namespace p2pdist::test
