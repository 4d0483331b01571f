#pragma once
// Sends content from the server's file store to clients of the central office (SRV-5). It reads through a content store and keeps no
// package; whether the file store has a content shows when somebody first asks for it.

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

    /// Whether the server can send it, as far as is known now; looks for it where nothing is known and there is room
    /// (limits::server_attached_contents_max).
    bool has(time_point now, const content_info& content);
    /// The same, once it is known: after a file was read for its first time, or look_max later at most (then: no).
    void ask(time_point now, const content_info& content, answer then);
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

private:
    enum class finding { looking, here, missing };
    struct entry {
        content_info content;
        finding state = finding::looking;
        time_point since;
        time_point used;
        std::vector<std::pair<time_point, answer>> waiting;  ///< until when
    };

    /// What is known of it, or found out from now on; null where there is no room.
    entry* look(time_point now, const content_info& content);
    void begin(time_point now, entry& what);
    void lose(time_point now, const content_key& key);
    [[nodiscard]] bool make_room(time_point now);
    void judge(time_point now, const serve_request& request, const server_state& state);

    bool has_file_store_;
    transfer_engine engine_;
    serving_line line_{limits::server_uploads_max};
    std::map<content_key, entry> contents_;
    std::map<store_request_id, content_key> looks_;
    store_request_id next_look_ = 1;
    std::vector<output> out_;
    std::uint64_t sent_bytes_ = 0;
};

}  // namespace p2pdist
