// The server's side of connectors' channels without sockets: datagrams are handed over by hand.

#include <catch2/catch.hpp>

#include <asio/io_context.hpp>

#include "dtls/channel_set.hpp"
#include "p2pdist/base/limits.hpp"

using namespace p2pdist;

namespace {

secret_key key_of(std::uint8_t byte) {
    secret_key out;
    out.fill(byte);
    return out;
}

endpoint at(std::uint16_t port) { return {ip_address::v4(0x0a000005), port}; }

struct world {
    world()
        : channels(context.get_executor(), key_of(1), key_of(2),
                   {[this](const endpoint& to, bytes datagram) { answers[to].push_back(std::move(datagram)); },
                    [this](channel_id, const endpoint& from, const secret_key&) { opened.push_back(from); }, [](channel_id, byte_span) {},
                    [this](channel_id) { ++closed; }}) {}

    /// A connector's handshake, as far as it gets.
    std::unique_ptr<dtls_association> knock(std::uint16_t port, const secret_key& psk) {
        auto client = dtls_association::connect(psk);
        for (int round = 0; round < 10; ++round) {
            for (const auto& datagram : client->take_datagrams()) channels.on_datagram(at(port), datagram);
            for (const auto& datagram : std::exchange(answers[at(port)], {})) client->on_datagram(datagram);
        }
        return client;
    }

    asio::io_context context;
    std::map<endpoint, std::vector<bytes>> answers;
    std::vector<endpoint> opened;
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
    // A handshake gives its place to a newcomer ...
    connectors.push_back(here.knock(port++, key_of(1)));
    CHECK(here.opened.size() == limits::server_channels_max);
    CHECK(here.closed == 0);
    // ... and an open channel does not.
    CHECK(here.knock(port++, key_of(1))->status() == dtls_association::state::handshaking);
    CHECK(here.opened.size() == limits::server_channels_max);
    CHECK(here.closed == 0);
}
