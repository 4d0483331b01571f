#pragma once
// Sends content from the server's file store to clients of the central office (SRV-5). It reads through a content store and keeps no
// package; whether the file store has a content shows when somebody first asks for it.

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/transfer/serving_line.hpp"
#include "p2pdist/transfer/transfer_engine.hpp"
#include "server_state.hpp"

namespace p2pdist {

class content_feeder {
public:
    using answer = std::function<void(time_point now, bool has_it)>;

    content_feeder(const crypto_suite& crypto, entropy& random_bytes, sealed_link& link, const server_config& config);

    /// Whether the server can send it, as far as is known now.
    [[nodiscard]] bool has(const content_info& content) const;
    /// The same, once it is known: after a file was read for its first time, or look_max later at most (then: no). At once no where there
    /// is no room for one more (limits::server_attached_contents_max), or too many wait.
    void ask(time_point now, const client_id& who, const content_info& content, answer then);
    /// It is not published any more.
    void forget(time_point now, const content_id& id);

    void on_control(time_point now, const opened& frame) { engine_.on_control(now, frame); }
    void on_store_done(time_point now, store_completion completion);
    void on_timer(time_point now);
    void on_peer_unreachable(time_point now, const client_id& peer) { engine_.on_peer_unreachable(now, peer); }
    [[nodiscard]] bool owns_port(std::uint16_t local_port) const noexcept { return engine_.owns_port(local_port); }

    /// Something that the administrator should know, e.g. a file that does not fit its hash.
    struct remark {
        std::string text;
    };
    using output = std::variant<send_datagram, store_request, remark>;
    [[nodiscard]] std::optional<output> poll(time_point now, const server_state& state);
    [[nodiscard]] time_point deadline() const;
    [[nodiscard]] std::uint64_t sent_bytes() const noexcept { return sent_bytes_; }

    static constexpr duration look_max = std::chrono::seconds(20);
    static constexpr duration look_again = std::chrono::seconds(60);  ///< after it was not there
    static constexpr std::size_t looks_max = 4;       ///< files that are read for their first time at one time; the clients take turns
    static constexpr std::size_t waits_max = 16'384;  ///< answers that wait: well below limits::message_answers_max
    static constexpr std::size_t waits_of_client_max = 256;  ///< of one client: above limits::client_jobs_max

private:
    enum class finding { queued, looking, here, missing };
    struct entry {
        content_info content;
        finding state = finding::missing;
        time_point since = never;
        time_point used;
        client_id by;                       ///< whose turn it takes, while it is queued
        std::deque<std::uint64_t> waiting;  ///< in waits_
    };
    struct wait {
        time_point until;
        client_id who;
        content_key what;
        answer then;
    };

    [[nodiscard]] static bool is_settled(time_point now, const entry& what);
    void queue(const client_id& who, entry& what);
    void take_from_queue(entry& what);
    void begin_looks(time_point now);
    void begin(time_point now, entry& what);
    [[nodiscard]] answer end_wait(std::uint64_t number);
    /// Tells all that wait for it.
    void settle(time_point now, std::deque<std::uint64_t> waiting, bool has_it);
    void lose(time_point now, const content_key& key);
    [[nodiscard]] bool make_room(time_point now);
    void judge(time_point now, const serve_request& request, const server_state& state);

    bool has_file_store_;
    transfer_engine engine_;
    serving_line line_{limits::server_uploads_max};
    std::map<content_key, entry> contents_;
    std::map<store_request_id, content_key> looks_;
    std::map<client_id, std::deque<content_key>> queued_;  // to look for next, by who asked first
    std::size_t queued_count_ = 0;
    client_id looked_for_;                                 // whose turn was the last
    std::map<std::uint64_t, wait> waits_;                  // in the order of time
    std::map<client_id, std::size_t> waits_of_;
    std::uint64_t next_wait_ = 1;
    store_request_id next_look_ = 1;
    std::vector<output> out_;
    std::uint64_t sent_bytes_ = 0;
};

}  // namespace p2pdist
