// client_core in a loop of one's own: no Asio, no socket, no clock. Here the loop's "network" swallows everything and its time is a
// number, so the client greets a server that never answers; a real program sends the datagrams, hands in what arrives, and carries
// out the store's requests on its own disk.

// [includes]
#include <algorithm>
#include <iostream>

#include <p2pdist/base/pump.hpp>
#include <p2pdist/client/client_core.hpp>
#include <p2pdist/content/memory_store.hpp>
#include <p2pdist/driver/openssl_crypto.hpp>
// [/includes]

namespace {

// [outside]
/// What the loop does with each thing that the core gives out.
struct outside {
    p2pdist::client_core& core;
    p2pdist::memory_store& store;
    int datagrams = 0;

    void perform(p2pdist::time_point, p2pdist::send_datagram&&) { ++datagrams; }
    void perform(p2pdist::time_point now, p2pdist::store_request&& request) { core.on_store_done(now, store.execute(request)); }
    void perform(p2pdist::time_point now, p2pdist::fallback_request&& request) {
        core.on_fallback_done(now, request.id, p2pdist::error{p2pdist::errc::not_found, "no fallback source in this example"});
    }
    void perform(p2pdist::time_point, p2pdist::fallback_cancel&&) {}
    void perform(p2pdist::time_point, p2pdist::client_event&& event) {
        if (const auto* notice = std::get_if<p2pdist::client_notice>(&event)) std::cout << notice->text << '\n';
    }
};
// [/outside]

}  // namespace

int main() {
    const auto crypto = p2pdist::make_openssl_crypto();
    const auto random = p2pdist::make_system_entropy();
    p2pdist::memory_store store(*crypto);

    p2pdist::client_config config;
    config.identity = random->array<32>();
    config.enrolment = random->array<32>();
    config.address = p2pdist::ip_address::v4(0x0a000005);
    config.servers = {p2pdist::ip_address::v4(0x0a000002)};
    p2pdist::time_point now{};
    p2pdist::client_core core(*crypto, *random, config, now, p2pdist::wall_time{1'800'000'000});
    outside world{core, store};

    // [loop]
    core.fetch(now, p2pdist::content_id::parse("app-7.2").value());
    p2pdist::pump(core, now, world);
    for (int turns = 0; turns < 100 && core.deadline() != p2pdist::never; ++turns) {
        now = std::max(now, core.deadline());   // nothing else happens here: jump to the next thing that the core waits for
        core.on_timer(now);
        p2pdist::pump(core, now, world);
    }
    // [/loop]
    const auto progress = core.status();
    std::cout << world.datagrams << " datagrams were sent, " << (progress.enrolled ? "enrolled" : "nobody answered") << '\n';
    return world.datagrams > 0 && !progress.enrolled ? 0 : 1;
}
