// The server's side of connectors' channels without sockets: datagrams are handed over by hand.

#include <catch2/catch.hpp>

#include <asio/io_context.hpp>

#include "dtls/channel_set.hpp"
#include "fake_time_of_day.hpp"
#include "filled_key.hpp"
#include "p2pdist/base/limits.hpp"

using namespace p2pdist;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t client_random_at = 13 + 12 + 2;   // in a ClientHello's datagram

endpoint at(std::uint16_t port) { return {ip_address::v4(0x0a000005), port}; }

struct world {
    world()
        : channels(context.get_executor(), key_of(1), key_of(2),
                   {[this](const endpoint& to, bytes datagram) { answers[to].push_back(std::move(datagram)); },
                    [this](channel_id, const endpoint& from, const secret_key&) { opened.push_back(from); },
                    [this](channel_id, byte_span record) { records.push_back(to_bytes(record)); },
                    [this](channel_id) { ++closed; }},
                   [this] { return time.now(); }) {}

    /// A connector's handshake, as far as it gets.
    std::unique_ptr<dtls_association> knock(std::uint16_t port, const secret_key& psk) {
        auto client = dtls_association::connect(psk);
        for (int round = 0; round < 10; ++round) {
            for (const auto& datagram : client->take_datagrams()) channels.on_datagram(at(port), datagram);
            for (const auto& datagram : std::exchange(answers[at(port)], {})) client->on_datagram(datagram);
        }
        return client;
    }

    /// The datagrams of a handshake up to the hello with its cookie, which is not sent.
    std::pair<std::unique_ptr<dtls_association>, bytes> hello_with_cookie(std::uint16_t port, const secret_key& psk) {
        auto client = dtls_association::connect(psk);
        for (const auto& datagram : client->take_datagrams()) channels.on_datagram(at(port), datagram);
        for (const auto& datagram : std::exchange(answers[at(port)], {})) client->on_datagram(datagram);
        auto hello = client->take_datagrams();
        return {std::move(client), std::move(hello.front())};
    }
    /// A handshake without the key, as far as the server's first flight; false where that does not come.
    bool begin(const endpoint& from) {
        auto client = dtls_association::connect(key_of(9));
        for (const auto& datagram : client->take_datagrams()) channels.on_datagram(from, datagram);
        for (const auto& datagram : std::exchange(answers[from], {})) client->on_datagram(datagram);   // the cookie
        for (const auto& datagram : client->take_datagrams()) channels.on_datagram(from, datagram);
        return !std::exchange(answers[from], {}).empty();
    }
    /// What the connector says is heard, and the server's answer.
    void pass(std::uint16_t port, dtls_association& client) {
        for (int round = 0; round < 5; ++round) {
            for (const auto& datagram : client.take_datagrams()) channels.on_datagram(at(port), datagram);
            for (const auto& datagram : std::exchange(answers[at(port)], {})) client.on_datagram(datagram);
        }
    }

    /// What a connector would take, or somebody's patience; the server repeats its flights as the timer has it.
    void wait(std::chrono::milliseconds span) {
        constexpr auto step = std::chrono::milliseconds(100);
        for (; span > step; span -= step) {
            time.advance(step);
            channels.check();
        }
        time.advance(span);
        channels.check();
    }

    fake_time_of_day time;
    asio::io_context context;
    std::map<endpoint, std::vector<bytes>> answers;
    std::vector<endpoint> opened;
    std::vector<bytes> records;
    int closed = 0;
    channel_set channels;
};

}  // namespace

TEST_CASE("who has no key takes no connector's place", "[driver][limits][REQ-CON-2]") {
    world here;
    std::uint16_t port = 1000;
    std::vector<std::unique_ptr<dtls_association>> connectors;
    for (std::size_t count = 0; count + 1 < limits::server_channels_max; ++count) connectors.push_back(here.knock(port++, key_of(1)));
    REQUIRE(here.opened.size() == limits::server_channels_max - 1);
    for (int count = 0; count < 20; ++count) (void)here.knock(port++, key_of(9));
    CHECK(here.closed == 0);
    here.time.advance(1s);
    // A handshake that makes no progress gives its place to a newcomer ...
    connectors.push_back(here.knock(port++, key_of(1)));
    CHECK(here.opened.size() == limits::server_channels_max);
    CHECK(here.closed == 0);
    // ... and an open channel does not.
    CHECK(here.knock(port++, key_of(1))->status() == dtls_association::state::handshaking);
    CHECK(here.opened.size() == limits::server_channels_max);
    CHECK(here.closed == 0);
}

TEST_CASE("a new association takes over only once it has shown the key", "[driver][REQ-CON-2]") {
    world here;
    auto first = here.knock(1000, key_of(1));
    REQUIRE(here.opened.size() == 1);
    // Hellos of somebody who forges the address, with and without a cookie, and a whole handshake without the key.
    (void)here.hello_with_cookie(1000, key_of(9));
    (void)here.knock(1000, key_of(9));
    here.wait(1s);
    here.answers.clear();
    auto [second, hello] = here.hello_with_cookie(1000, key_of(1));
    here.channels.on_datagram(at(1000), hello);
    const auto flight = std::exchange(here.answers[at(1000)], {});
    CHECK(here.closed == 0);
    first->send(as_bytes("still here"));
    here.pass(1000, *first);
    REQUIRE(here.records.size() == 1);
    CHECK(here.opened.size() == 1);
    // The new one is done: now the old one ends.
    for (const auto& datagram : flight) second->on_datagram(datagram);
    here.pass(1000, *second);
    CHECK(second->status() == dtls_association::state::open);
    CHECK(here.opened.size() == 2);
    CHECK(here.closed == 1);
    second->send(as_bytes("and here"));
    here.pass(1000, *second);
    CHECK(here.records.size() == 2);
    first->send(as_bytes("too late"));
    here.pass(1000, *first);
    CHECK(here.records.size() == 2);
}

TEST_CASE("a late copy of the hello in use does not disturb the next handshake", "[driver][hostile][REQ-CON-2]") {
    world here;
    auto [first, old_hello] = here.hello_with_cookie(1000, key_of(1));
    here.channels.on_datagram(at(1000), old_hello);
    here.pass(1000, *first);
    REQUIRE(here.opened.size() == 1);
    auto [second, hello] = here.hello_with_cookie(1000, key_of(1));
    here.channels.on_datagram(at(1000), hello);
    const auto flight = std::exchange(here.answers[at(1000)], {});
    here.channels.on_datagram(at(1000), old_hello);
    here.answers[at(1000)].clear();
    for (const auto& datagram : flight) second->on_datagram(datagram);
    here.pass(1000, *second);
    CHECK(here.opened.size() == 2);
}

TEST_CASE("a host's handshakes without the key are few", "[driver][limits][hostile][REQ-CON-2]") {
    world here;
    std::vector<std::unique_ptr<dtls_association>> waiting;
    int answered = 0;
    for (std::uint16_t port = 1; port <= 200; ++port) {
        auto [client, hello] = here.hello_with_cookie(port, key_of(9));
        here.channels.on_datagram(at(port), hello);
        answered += here.answers[at(port)].empty() ? 0 : 1;
    }
    CHECK(answered == limits::server_channel_handshakes_of_host_max);
    CHECK(here.closed == 0);
}

TEST_CASE("a new security key ends every channel, and says so", "[driver][REQ-CON-2]") {
    world here;
    auto connector = here.knock(1000, key_of(1));
    here.channels.set_key(key_of(3));
    CHECK(here.closed == 1);
    here.pass(1000, *connector);
    CHECK(connector->status() == dtls_association::state::closed);
    CHECK(here.knock(1000, key_of(1))->status() == dtls_association::state::handshaking);
    CHECK(here.opened.size() == 1);
    here.wait(1s);
    here.answers.clear();
    CHECK(here.knock(1000, key_of(3))->status() == dtls_association::state::open);
}

TEST_CASE("who hears a cookie begins nothing with it but that one handshake", "[driver][hostile][REQ-CON-2][REQ-SEC-1]") {
    world here;
    auto [connector, hello] = here.hello_with_cookie(1000, key_of(1));
    const auto server_flights = [&](const bytes& datagram) {
        here.channels.on_datagram(at(1000), datagram);
        std::size_t out = 0;
        for (const auto& answer : std::exchange(here.answers[at(1000)], {})) out += answer.size() > datagram.size() ? 1 : 0;
        return out;
    };
    // Altered in any place but the cookie it is a stranger's hello. The record's number may differ, the version is not OpenSSL's to check.
    std::size_t flights = 0;
    for (std::size_t i = client_random_at; i < hello.size(); ++i) {
        auto altered = hello;
        altered[i] ^= 0x55;
        flights += server_flights(altered);
    }
    CHECK(flights == 0);
    // His is the same one, sent before it arrives: the handshake is the connector's all the same.
    here.channels.on_datagram(at(1000), hello);
    for (int i = 0; i < 3000; ++i) here.channels.on_datagram(at(1000), hello);
    here.pass(1000, *connector);
    CHECK(connector->status() == dtls_association::state::open);
    CHECK(here.opened.size() == 1);
}

TEST_CASE("a connector whose hellos are heard and answered with others gets in", "[driver][hostile][REQ-CON-2][REQ-SEC-1]") {
    world here;
    int opened = 0;
    for (int round = 0; round < 20; ++round) {
        auto [connector, hello] = here.hello_with_cookie(1000, key_of(1));
        here.channels.on_datagram(at(1000), hello);
        auto flight = std::exchange(here.answers[at(1000)], {});
        // An altered one, and a whole hello of his own for which he heard the cookie.
        auto altered = hello;
        altered[client_random_at + 6] ^= 0x55;
        here.channels.on_datagram(at(1000), altered);
        here.answers.clear();
        auto [other, other_hello] = here.hello_with_cookie(1000, key_of(9));
        here.channels.on_datagram(at(1000), other_hello);
        here.answers.clear();
        for (const auto& datagram : flight) connector->on_datagram(datagram);
        here.pass(1000, *connector);
        opened += connector->status() == dtls_association::state::open ? 1 : 0;
        here.wait(1s);
    }
    CHECK(opened == 20);
}

TEST_CASE("handshakes without the key are few a second, whatever becomes of them", "[driver][limits][hostile][REQ-CON-2][REQ-SEC-1]") {
    world here;
    std::size_t flights = 0;
    const auto knock = [&](std::uint16_t port, bool spoil) {
        auto [client, hello] = here.hello_with_cookie(port, key_of(9));
        here.channels.on_datagram(at(port), hello);
        flights += here.answers[at(port)].empty() ? 0 : 1;
        if (!spoil) return;
        // A key exchange that makes no sense, which ends the handshake at once.
        auto nonsense = hello;
        nonsense[13] = 16;
        nonsense[18] = 2;
        here.channels.on_datagram(at(port), nonsense);
        here.answers.clear();
    };
    for (const bool spoil : {false, true}) {
        // One pair: one handshake a second.
        flights = 0;
        for (int i = 0; i < 30; ++i, here.wait(100ms)) knock(1000, spoil);
        CHECK(flights >= 2);
        CHECK(flights <= 3);
        here.wait(20s);
        // Many pairs of one host.
        flights = 0;
        for (int i = 0; i < 30; ++i, here.wait(100ms)) {
            for (std::uint16_t port = 1; port <= 20; ++port) knock(port, spoil);
        }
        CHECK(flights <= 3 * limits::server_channel_handshakes_of_host_max);
        here.wait(20s);
    }
}

TEST_CASE("handshakes beside an open channel count among those of their host", "[driver][limits][hostile][REQ-CON-2]") {
    world here;
    std::vector<std::unique_ptr<dtls_association>> connectors;
    int answered = 0;
    for (std::uint16_t port = 1; port <= 12; ++port) connectors.push_back(here.knock(port, key_of(1)));
    REQUIRE(here.opened.size() == 12);
    for (std::uint16_t port = 1; port <= 12; ++port) {
        auto [client, hello] = here.hello_with_cookie(port, key_of(9));
        here.answers.clear();
        here.channels.on_datagram(at(port), hello);
        answered += here.answers[at(port)].empty() ? 0 : 1;
    }
    CHECK(answered == limits::server_channel_handshakes_of_host_max);
    CHECK(here.closed == 0);
    here.wait(20s);
    for (std::uint16_t port = 1; port <= 12; ++port) {
        connectors[port - 1u]->send(as_bytes("still here"));
        here.pass(port, *connectors[port - 1u]);
    }
    CHECK(here.records.size() == 12);
}

TEST_CASE("who only shows a cookie is sent so much and no more", "[driver][limits][hostile][REQ-CON-2][REQ-SEC-1]") {
    world here;
    auto [client, hello] = here.hello_with_cookie(1000, key_of(9));
    here.answers.clear();
    here.channels.on_datagram(at(1000), hello);
    const auto bytes_sent = [&] {
        std::size_t out = 0;
        for (const auto& answer : here.answers[at(1000)]) out += answer.size();
        return out;
    };
    const auto flight = bytes_sent();
    here.wait(60s);
    CHECK(bytes_sent() == flight * (1 + limits::server_channel_flight_repeats_max));
    CHECK(flight <= hello.size());
}

TEST_CASE("a network's handshakes without the key are few a second, however many addresses it has", "[driver][limits][hostile][REQ-CON-2][REQ-SEC-1]") {
    world here;
    int begun = 0;
    for (std::uint32_t host = 0; host < 200; ++host) begun += here.begin({ip_address::v4(0x0a010000 + host), 4000}) ? 1 : 0;
    CHECK(begun == 32);
    CHECK(here.begin({ip_address::v4(0x0a020001), 4000}));
}

TEST_CASE("handshakes that begin all the time put off nothing", "[driver][hostile][REQ-CON-2]") {
    world here;
    auto [first, hello] = here.hello_with_cookie(1000, key_of(9));
    here.channels.on_datagram(at(1000), hello);
    here.answers.clear();
    here.time.advance(20s);   // more than a handshake may take, and the set's own timer has not looked yet
    for (std::uint32_t host = 0; host < 30 && here.answers[at(1000)].empty(); ++host) {
        CHECK(here.begin({ip_address::v4(0x0a010000 + host), 4000}));
        here.context.run_for(20ms);
        here.channels.on_datagram(at(1000), hello);   // answered again once the old handshake is gone
    }
    CHECK_FALSE(here.answers[at(1000)].empty());
}

TEST_CASE("a record that comes before its time is not kept, but waits for its repetition", "[driver][limits][hostile][REQ-CON-2]") {
    world here;
    auto [client, hello] = here.hello_with_cookie(1000, key_of(1));
    here.channels.on_datagram(at(1000), hello);
    for (const auto& datagram : std::exchange(here.answers[at(1000)], {})) client->on_datagram(datagram);
    bytes before, after;   // the client's second flight, cut before what is sealed under the new keys
    for (const auto& datagram : client->take_datagrams()) {
        for (std::size_t start = 0; start < datagram.size();) {
            const auto size = 13 + (static_cast<std::size_t>(datagram[start + 11]) << 8 | datagram[start + 12]);
            auto& to = datagram[start + 4] == 0 ? before : after;
            to.insert(to.end(), datagram.begin() + static_cast<std::ptrdiff_t>(start), datagram.begin() + static_cast<std::ptrdiff_t>(start + size));
            start += size;
        }
    }
    REQUIRE_FALSE(after.empty());
    here.channels.on_datagram(at(1000), after);
    here.channels.on_datagram(at(1000), before);
    CHECK(here.opened.empty());
    here.channels.on_datagram(at(1000), after);
    CHECK(here.opened.size() == 1);
}

TEST_CASE("a handshake sees few records under its new keys, whatever they come with", "[driver][limits][hostile][REQ-CON-2]") {
    constexpr int seen_max = 8;
    const bool too_many = GENERATE(false, true);
    world here;
    auto [client, hello] = here.hello_with_cookie(1000, key_of(1));
    here.channels.on_datagram(at(1000), hello);
    for (const auto& datagram : std::exchange(here.answers[at(1000)], {})) client->on_datagram(datagram);
    const bytes change{20, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 1};
    bytes junk{22, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 0, 0, 64};
    junk.resize(13 + 64, 0xaa);
    for (int number = 0; number < seen_max - 1 + (too_many ? 1 : 0); ++number) {
        junk[10] = static_cast<std::uint8_t>(10 + number);   // sequence number
        bytes both = change;
        both.insert(both.end(), junk.begin(), junk.end());
        here.channels.on_datagram(at(1000), both);
    }
    junk[4] = 2;   // an epoch that no handshake has
    here.channels.on_datagram(at(1000), junk);
    for (const auto& datagram : client->take_datagrams()) here.channels.on_datagram(at(1000), datagram);
    CHECK(here.opened.size() == (too_many ? 0 : 1));
}

TEST_CASE("a channel that is dead is not kept by what anybody can write", "[driver][hostile][REQ-CON-2]") {
    world here;
    auto dead = here.knock(1000, key_of(1));
    auto alive = here.knock(1001, key_of(1));
    REQUIRE(here.opened.size() == 2);
    dead->send(as_bytes("one"));
    const auto record = dead->take_datagrams().front();
    auto forged = record;
    forged.back() ^= 1;
    for (int minute = 0; minute < 11; ++minute) {
        here.channels.on_datagram(at(1000), forged);
        alive->send(as_bytes("here"));
        here.pass(1001, *alive);
        here.wait(60s);
    }
    CHECK(here.closed == 1);
    CHECK(here.records.size() == 11);
}
