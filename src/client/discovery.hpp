#pragma once
// Broadcast discovery (MSG-3): asks the clients of the own subnet who has a content or is fetching it. Only where the type of the own
// office permits it (OFF-3) and the interface has a broadcast address.

#include <functional>

#include "node.hpp"
#include "office_view.hpp"
#include "p2pdist/envelope/broadcast.hpp"

namespace p2pdist::client_room {

class discovery {
public:
    struct found {
        peer_info peer;
        discovery_reply reply;
    };
    struct hooks {
        std::function<discovery_reply(const content_key&)> holding_of;   ///< what we would answer
        std::function<void(time_point, const found&)> found_peer;
    };

    discovery(node& shared, const office_view& offices, hooks called);

    /// Whether a question may leave at all.
    [[nodiscard]] bool possible() const;
    void ask(time_point now, const content_key& content);
    /// Takes broadcast_request and broadcast_answer.
    void on_datagram(time_point now, const received_datagram& datagram);

    struct counters {
        std::uint64_t asked = 0, answered = 0, heard = 0, foreign = 0, malformed = 0;
    };
    [[nodiscard]] const counters& statistics() const noexcept { return counters_; }

private:
    void on_request(time_point now, const received_datagram& datagram);
    void on_answer(time_point now, const received_datagram& datagram);

    node* node_;
    const office_view* offices_;
    hooks hooks_;
    broadcast_exchange exchange_;
    counters counters_;
};

}  // namespace p2pdist::client_room
