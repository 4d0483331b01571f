#pragma once
// The large messages that we are fetching: what of each is there, what it is for, and how much room they have.
//
// Whoever announces a message takes room before a byte has come. So others' requests have a room apart from the answers to our own;
// no peer holds more of it than its largest message needs; small messages count by their number, whatever the large ones take; and a
// fetch by which next to nothing comes is the first to go where another peer needs the room.

#include <cstdint>
#include <map>
#include <optional>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/datagram.hpp"
#include "p2pdist/base/ids.hpp"
#include "p2pdist/base/time.hpp"
#include "p2pdist/wire/messages.hpp"
#include "p2pdist/wire/port_plan.hpp"

namespace p2pdist {

/// What a fetch is for: the reply to our request with this handle, or the request of a peer.
struct fetch_purpose {
    std::uint64_t handle = 0;
    bool is_reply = false;
};

/// A large message on its way to us.
class large_fetch {
public:
    large_fetch(const client_id& from, role as, const path& over, const large_offer& what, fetch_purpose why)
        : peer(from), peer_role(as), way(over), offer(what), purpose(why) {}

    /// Its flow is opened now, from the beginning.
    void begin(time_point now);
    /// Takes a piece, wherever it belongs. False where it lies outside the object.
    [[nodiscard]] bool add(time_point now, std::uint64_t offset, byte_span piece);
    [[nodiscard]] bool complete() const noexcept { return covered_.size() == 1 && covered_.begin()->first == 0 && covered_.begin()->second == offer.size_bytes; }
    [[nodiscard]] const bytes& data() const noexcept { return data_; }
    /// From when on it is too slow, unless more comes: large_fetch_watch_time after it last had brought large_fetch_pace_bytes_min.
    [[nodiscard]] time_point slow_from() const noexcept;

    client_id peer;
    role peer_role;
    path way;
    large_offer offer;
    fetch_purpose purpose;
    int attempts = 1;              ///< flows opened so far
    bool strict = false;           ///< after a hash that did not fit: tags cover the payload
    std::uint64_t flow = 0;        ///< 0: none, the next one is opened at a time that the layer keeps
    time_point give_up_at = never; ///< of a client's answer: when it has to be here

private:
    bytes data_;                                      // grows with what comes, so that an announcement alone costs nothing
    std::map<std::uint64_t, std::uint64_t> covered_;  // first -> end, apart from each other
    time_point paced_at_{};                           // when it began, or had last brought as much as it has to
    std::uint64_t since_paced_ = 0;
};

class large_fetches {
public:
    /// Whether the peer itself may have a further fetch: of its fetches so far, at most `peer_bytes_max` with this one.
    [[nodiscard]] bool peer_has_room(const client_id& peer, std::uint64_t size_bytes, bool is_reply, std::uint64_t peer_bytes_max) const noexcept;
    /// Whether there is room among those of all peers.
    [[nodiscard]] bool has_room(std::uint64_t size_bytes, bool is_reply) const noexcept;
    /// Of the requests of other peers than this one, the one that is too slow for the longest time.
    [[nodiscard]] const large_fetch* slowest_request(time_point now, const client_id& but_of) const noexcept;
    /// The key names the fetch until erase().
    std::uint64_t add(large_fetch fetch);
    void set_flow(std::uint64_t key, std::uint64_t flow);
    [[nodiscard]] large_fetch* find(std::uint64_t key) noexcept;
    [[nodiscard]] std::optional<std::uint64_t> key_of_flow(std::uint64_t flow) const noexcept;
    void erase(std::uint64_t key);

    [[nodiscard]] const std::map<std::uint64_t, large_fetch>& all() const noexcept { return fetches_; }

    /// The peer lost its room: it waits until its turn comes again.
    void send_back(time_point now, const client_id& peer);
    [[nodiscard]] bool waits_its_turn(time_point now, const client_id& peer) const noexcept;

private:
    /// What requests of others, or answers, take together.
    struct room {
        struct share {
            std::size_t count = 0;
            std::uint64_t bytes = 0;
        };
        std::size_t count = 0;
        std::uint64_t large_bytes = 0;   // of those above large_fetch_small_bytes
        std::map<client_id, share> of_peer;
    };
    [[nodiscard]] const room& room_of(bool is_reply) const noexcept { return is_reply ? replies_ : requests_; }
    [[nodiscard]] room& room_of(bool is_reply) noexcept { return is_reply ? replies_ : requests_; }

    std::map<std::uint64_t, large_fetch> fetches_;
    std::map<std::uint64_t, std::uint64_t> by_flow_;
    room requests_, replies_;
    std::map<client_id, time_point> turns_;   // when something is fetched again from a peer that lost its room
    std::uint64_t next_key_ = 1;
};

}  // namespace p2pdist
