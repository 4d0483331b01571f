#pragma once
// Content bytes that crossed the office's links, reported to the server for `links` (OBS-1). Only the client that received or sent them
// over the link counts them.

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "membership.hpp"
#include "node.hpp"

namespace p2pdist::client_room {

class link_ledger {
public:
    link_ledger(node& shared, membership& member, office_view& offices);

    /// Something is under way: what is counted is reported from time to time.
    void note_time(time_point now);
    /// `count` bytes so far in this download that came from a client of an office above.
    void received(const content_key& content, std::uint64_t count);
    /// The download is over: `count` bytes is final, and a later one of the same content counts from zero.
    void received_all(time_point now, const content_key& content, std::uint64_t count);
    /// An upload to another office ended.
    void sent_all(time_point now, const upload_ended& upload);

    /// The device may go on from a snapshot: reports get numbers that no earlier one had. One that the server may have stays as it is.
    void start_anew();

    void on_timer(time_point now);
    [[nodiscard]] time_point deadline() const noexcept { return next_; }
    /// Running downloads of which something has come.
    [[nodiscard]] std::size_t counting() const noexcept { return received_.size(); }

private:
    using line = std::pair<content_key, std::string>;       // child office; empty: in from the parent

    void add_sent(const content_key& content, const ip_address& to, std::uint64_t count);
    void flush(time_point now);
    void send(time_point now);

    membership* member_;
    office_view* offices_;
    entropy* random_bytes_;
    open_requests requests_;
    std::map<line, std::uint64_t> unreported_;
    std::map<content_key, std::uint64_t> received_;         // counted of running downloads
    std::optional<link_report> sending_;                    // kept as it is until the server has it, so that it counts once
    bool under_way_ = false;
    std::uint64_t boot_;
    std::uint64_t reports_ = 0;
    time_point next_ = never;
};

}  // namespace p2pdist::client_room
