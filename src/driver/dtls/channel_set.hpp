#pragma once
// The server's side of all connectors' channels (CON-2): tells associations apart by address, makes new ones after a cookie, lets a
// new association on the same address pair take over only once its handshake is done (RFC 6347, 4.2.8).
//
// Whoever hears at an address can get a cookie for it, and so a handshake: a pair has one at a time, which stays for a second and for
// another after the client has answered; a host has few, a network some, and a full table takes one more only in the place of one that makes
// no progress. That bounds what handshakes without the key cost, and keeps a connector's from being replaced while it is made.

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include <asio/steady_timer.hpp>

#include "dtls/dtls_association.hpp"
#include "p2pdist/server/server_core.hpp"

namespace p2pdist {

struct channel_handlers {
    std::function<void(const endpoint& to, bytes datagram)> send;
    std::function<void(channel_id, const endpoint& from, const secret_key& exporter)> opened;
    std::function<void(channel_id, byte_span record)> record;
    std::function<void(channel_id)> closed;
};

class channel_set {
public:
    using clock = std::chrono::steady_clock;
    channel_set(const asio::any_io_executor& executor, const secret_key& psk, const secret_key& cookie_key, channel_handlers handlers,
                std::function<clock::time_point()> now = clock::now);

    void on_datagram(const endpoint& from, byte_span datagram);
    void send(channel_id channel, byte_span record);
    void close(channel_id channel);
    /// A new security key: the old one's channels end at once, and their connectors are told.
    void set_key(const secret_key& psk);
    void stop();
    /// Repeats flights and ends what is over. Its own timer calls it ten times a second.
    void check();

private:
    struct channel {
        std::unique_ptr<dtls_association> association;
        channel_id id;
        bool announced = false;
        clock::time_point began;
        clock::time_point advanced;     ///< its handshake, the last time
        clock::time_point last_heard;   ///< a record that only who has the key can write
        int flight_repeats = 0;
        std::array<std::uint8_t, 32> hello_random{};  ///< tells its ClientHello from that of another handshake
    };
    /// One address pair: the channel in use, and one whose handshake may replace it.
    struct pair {
        channel current;
        channel next;
    };

    void drive(const endpoint& from, channel& which);
    void settle(const endpoint& from);
    void arm();
    void repeat_flight(const endpoint& from, channel& which);
    /// The one of the pair's whose handshake is under way; null where none is.
    [[nodiscard]] static channel* unfinished(pair& of) noexcept;
    [[nodiscard]] bool make_room(const endpoint& newcomer, clock::time_point now);
    [[nodiscard]] bool make_room_among(clock::time_point now, std::size_t most, const std::function<bool(const endpoint&)>& fits);
    void drop_unfinished(std::map<endpoint, pair>::iterator of);
    void drop(std::map<endpoint, pair>::iterator which);

    asio::steady_timer timer_;
    secret_key psk_;
    secret_key cookie_key_;
    std::unique_ptr<dtls_listener> listener_;
    channel_handlers handlers_;
    std::function<clock::time_point()> now_;
    bool armed_ = false;
    std::map<endpoint, pair> pairs_;
    std::uint64_t last_id_ = 0;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace p2pdist
