#pragma once
// The requests of others: those that wait for our answer, and the answers of those that had one, for their repetitions.

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/datagram.hpp"
#include "p2pdist/base/ids.hpp"
#include "p2pdist/envelope/revocation_list.hpp"
#include "p2pdist/wire/port_plan.hpp"
#include "timer_queue.hpp"

namespace p2pdist {

struct handled_request {
    client_id peer;
    std::uint64_t id = 0;       ///< the peer's
    role peer_role = role::client;
    standing peer_standing = standing::member;
    std::uint16_t peer_epoch = 0;
    path way;                   ///< answer over it
    std::uint64_t fetch = 0;    ///< key of the fetch of its large part
    bool answered = false;
    bytes answer;               ///< the encoded message
    std::uint64_t offer = 0;    ///< token of the answer's large part
};

class answer_table {
public:
    answer_table(std::size_t entries_max, std::size_t bytes_max) : entries_max_(entries_max), bytes_max_(bytes_max) {}

    /// Known by its sender and id: its handle.
    [[nodiscard]] std::optional<std::uint64_t> find(const client_id& peer, std::uint64_t id) const noexcept;
    [[nodiscard]] handled_request* find(std::uint64_t handle) noexcept;
    /// A new request. False where the table is full of requests that wait for their answer, or this peer has open_of_peer_max of them; else
    /// the oldest answer may go.
    [[nodiscard]] bool add(std::uint64_t handle, handled_request request, time_point forget_at);
    /// Keeps the answer until then.
    void set_answer(std::uint64_t handle, bytes answer, time_point forget_at);
    void erase(std::uint64_t handle);

    /// A request to forget, because its time has come or answers take too much room. To be erased by the caller.
    [[nodiscard]] std::optional<std::uint64_t> next_to_forget(time_point now);
    [[nodiscard]] time_point deadline() const noexcept { return std::min(open_.earliest(), answered_.earliest()); }

    [[nodiscard]] std::size_t size() const noexcept { return requests_.size(); }

    /// Several times what a client asks one and the same other for: a few questions for each of limits::client_jobs_max.
    static constexpr std::size_t open_of_peer_max = 1024;

private:
    void close(const client_id& peer);

    std::size_t entries_max_;
    std::size_t bytes_max_;
    std::size_t bytes_ = 0;
    std::map<std::uint64_t, handled_request> requests_;
    std::map<std::pair<client_id, std::uint64_t>, std::uint64_t> by_id_;
    timer_queue open_;
    timer_queue answered_;
    std::size_t answered_count_ = 0;
    std::map<client_id, std::size_t> open_of_;  // how many of a peer wait for their answer
};

}  // namespace p2pdist
