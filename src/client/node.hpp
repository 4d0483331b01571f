#pragma once
// What all parts of a client share: its configuration and identity, the layers below it, its output queue, and two desks that take
// requests with a continuation: one for messages, one for the store.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "p2pdist/base/random.hpp"
#include "p2pdist/client/client_core.hpp"
#include "p2pdist/envelope/envelope.hpp"
#include "p2pdist/message/message_layer.hpp"

namespace p2pdist::client_room {

/// What came of a request: an answer, or why there is none.
struct answer {
    std::optional<error> failure;   ///< the other side's error_reply, or the message layer's
    bool reached = false;           ///< the other side answered, be it with an error
    message_body body;

    /// The other side has dealt with it, be it by refusing: to ask again would bring the same. Not so where its database could not
    /// commit, it had no room, or it takes this client back only after a registration.
    [[nodiscard]] bool settled() const noexcept;

    /// The answer as the reply that was expected; nullptr where it failed or is of another type.
    template <class Reply>
    [[nodiscard]] const Reply* as() const noexcept {
        return failure ? nullptr : std::get_if<Reply>(&body);
    }
};

struct node {
    using answer_handler = std::function<void(time_point, const answer&)>;
    using store_handler = std::function<void(time_point, const store_completion&)>;

    node(const crypto_suite& crypto_functions, entropy& random, client_config configuration, wall_time wall_now);

    const crypto_suite* crypto;
    entropy* random_bytes;
    client_config config;
    node_identity self;
    wall_time wall;
    random_source jitter;
    envelope seal;
    message_layer messages;
    transfer_engine transfers;
    bool paused = false;   ///< by the user

    /// Who comes first: the configured order, or else the standard one with these steps.
    [[nodiscard]] const ranking& order() const noexcept { return config.order ? *config.order : standard_order_; }
    void set_steps(const ranking_steps& steps) { standard_order_ = ranking::standard(steps); }

    // ---- messages
    /// Sends a request. The handler is called exactly once, unless forget() comes first. A handler must not destroy its owner.
    message_handle ask(time_point now, const message_peer& to, message_body body, answer_handler then,
                       message_options options = {});
    /// The same to another client, whose key becomes known to the envelope.
    message_handle ask(time_point now, const peer_info& to, message_body body, answer_handler then, message_options options = {});
    /// Wants and their answers carry the number of the own revocation list, so that peers learn of a newer one (SEC-2).
    void answer_want(time_point now, message_handle request, want_reply reply);
    void forget(message_handle request);
    void on_answered(time_point now, message_answered&& what);
    void on_failed(time_point now, message_failed&& what);

    // ---- the store
    void ask_store(decltype(store_request::operation) operation, store_handler then);
    void on_store_done(time_point now, store_completion&& completion);
    std::function<void(time_point, const content_key&)> on_evicted;

    /// Whether a peer at `who` may send us on to one at `named`: within its own office only (OFF-2), lest it has us call on anybody.
    [[nodiscard]] bool may_name(const ip_address& who, const ip_address& named) const { return !same_office || same_office(who, named); }
    std::function<bool(const ip_address& left, const ip_address& right)> same_office;

    // ---- output
    void emit(client_output what) { out.push_back(std::move(what)); }
    void emit(client_event event);
    /// For people, and the log.
    void notice(log_level level, std::string text);
    /// key=value text, for whoever looks for a fault.
    void log(log_level level, std::string_view line) const { config.log(level, line); }
    [[nodiscard]] bool logs(log_level level) const noexcept { return config.log.wants(level); }
    std::deque<client_output> out;

    [[nodiscard]] peer_info self_info() const { return {self.id, self.key, config.address}; }

private:
    ranking standard_order_ = ranking::standard();
    std::map<message_handle, answer_handler> asked_;
    std::map<store_request_id, store_handler> stored_;   // without transfer_store_request_bit
    store_request_id next_store_request_ = 1;
};

/// "4f12ab34@10.0.0.5": short enough for a log line.
[[nodiscard]] std::string brief(const peer_info& peer);
[[nodiscard]] std::string_view to_string(want_verdict verdict) noexcept;
[[nodiscard]] std::string_view to_string(holding_state state) noexcept;

/// Requests of one owner: those still open are forgotten when it goes.
class open_requests {
public:
    explicit open_requests(node& shared) noexcept : node_(&shared) {}
    ~open_requests() { forget(); }
    open_requests(const open_requests&) = delete;
    open_requests& operator=(const open_requests&) = delete;

    template <class Peer>
    void ask(time_point now, const Peer& to, message_body body, node::answer_handler then, message_options options = {}) {
        auto slot = std::make_shared<message_handle>();
        const auto handle = node_->ask(
            now, to, std::move(body),
            [this, slot, then = std::move(then)](time_point at, const answer& got) {
                open_.erase(*slot);
                then(at, got);
            },
            options);
        *slot = handle;
        open_.insert(handle);
    }
    void forget() {
        for (const auto handle : open_) node_->forget(handle);
        open_.clear();
    }
    [[nodiscard]] std::size_t size() const noexcept { return open_.size(); }

private:
    node* node_;
    std::set<message_handle> open_;
};

}  // namespace p2pdist::client_room
