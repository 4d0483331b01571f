// A server among real clients and a connector's channel. Every tag fits, so altered frames reach all of it.

#include "p2pdist/connector/connector_core.hpp"
#include "support/core_play.hpp"
#include "support/fuzz_target.hpp"
#include "support/toy_crypto.hpp"

using namespace p2pdist;

namespace {

/// A connector whose requests are made up and whose records are altered.
class fuzz_channel {
public:
    fuzz_channel(const crypto_suite& crypto, fuzz::fuzz_input& input, fuzz::mini_world& world, const fuzz::familiar_things& known)
        : input_(input), world_(world), known_(known), core_(crypto, random_, 1) {}

    void turn() {
        switch (input_.below(5)) {
            case 0: open(); break;
            case 1: close(); break;
            case 2: say(to_bytes(input_.piece(300))); break;
            default: ask(); break;
        }
        world_.to_connectors.clear();
    }

private:
    void open() {
        close();
        is_open_ = true;
        ++channel_.value;
        const secret_key exporter{static_cast<std::uint8_t>(channel_.value)};
        world_.call(0, [&] { world_.server().on_channel_opened(world_.now(), channel_, {ip_address::v4(0x0a000063), 34320}, exporter); });
        core_.on_channel_opened(world_.now(), exporter);
        carry();
    }
    void close() {
        if (!is_open_) return;
        is_open_ = false;
        world_.call(0, [&] { world_.server().on_channel_closed(world_.now(), channel_); });
        core_.on_channel_closed(world_.now());
    }
    void ask() {
        auto body = fuzz::any_body(input_, known_);
        if (!std::holds_alternative<std::monostate>(body)) (void)core_.request(world_.now(), std::move(body));
        core_.on_timer(world_.now());
        carry();
    }
    void carry() {
        while (auto out = core_.poll(world_.now())) {
            auto* record = std::get_if<connector_record>(&*out);
            if (!record || !is_open_) continue;
            say(input_.below(4) == 0 ? fuzz::mutated(input_, record->record) : record->record);
        }
        for (const auto& answer : world_.to_connectors) {
            if (answer.channel == channel_ && is_open_) core_.on_record(world_.now(), answer.record);
        }
    }
    void say(const bytes& record) {
        world_.call(0, [&] { world_.server().on_channel_record(world_.now(), channel_, record); });
    }

    fuzz::fuzz_input& input_;
    fuzz::mini_world& world_;
    const fuzz::familiar_things& known_;
    sim::seeded_entropy random_{7};
    connector_core core_;
    channel_id channel_;
    bool is_open_ = false;
};

}  // namespace

P2PDIST_FUZZ_TARGET(server_core) {
    static const fuzz::toy_crypto crypto(true);
    fuzz::mini_options options;
    const auto kind = input.byte();
    options.in_branch = kind & 3;
    options.on_server = (kind & 4) == 0;
    options.content_bytes = {3000, 0};
    fuzz::mini_world world(crypto, options);
    fuzz::core_play play(input, world, 0);
    fuzz_channel channel(crypto, input, world, play.known());
    for (int turns = 0; !input.empty() && turns < 256; ++turns) {
        play.turn([&] {
            if (world.is_up(0)) channel.turn();
        });
    }
    play.check_outputs();
    const auto& durable = world.durable();
    fuzz::check(std::ranges::is_sorted(durable.clients, {}, &client_record::id), "the catalogue's clients are out of order");
    fuzz::check(durable.clients.size() <= limits::server_clients_max && durable.contents.size() <= limits::server_contents_max,
                "the catalogue overflows");
}
