#pragma once
// Everybody who fetches from here.

#include <algorithm>
#include <deque>
#include <map>
#include <vector>

#include "engine_context.hpp"

namespace p2pdist::detail::transfer {

/// What a receiver says when it ends a flow because it has everything: all that was provided has then arrived.
inline constexpr std::string_view complete_text = "complete";

class upload_hub {
public:
    /// Both outlive it.
    using content_table = std::map<content_key, local_content>;
    upload_hub(engine_context& context, content_table& contents) : context_(&context), contents_(&contents) {}

    void on_requested(time_point now, const flow_requested& request);
    void admit(time_point now, flow_handle flow);
    void deny(time_point now, flow_handle flow, flow_close why);
    void on_needs(time_point now, const flow_needs& needs);
    void on_status(time_point now, const flow_status_changed& status);
    void on_ended(time_point now, const flow_ended& ended);

    /// The store answered a request of ours.
    void on_opened(time_point now, const content_key& key, const store_completion& completion);
    /// A download opened the content: whoever waits for that is accepted.
    void on_opened_by_download(time_point now, local_content& content);
    /// The content may be gone by now, or served anew under another number.
    void on_read(time_point now, const region_key& name, const content_key& key, store_completion& completion);

    /// More chunks are held, or others are under way: receivers are told within limits::transfer_status_delay.
    void on_holdings_changed(time_point now, const local_content& content);
    /// What receivers were told is no longer true: they are sent away and may come back.
    void on_holdings_shrunk(time_point now, const local_content& content);
    /// Ends all uploads of a content.
    void close_all(time_point now, const content_key& key, const flow_close& why);

    void on_timer(time_point now);
    [[nodiscard]] time_point deadline() const noexcept { return std::min({status_due_, measure_due_, idle_due_}); }
    [[nodiscard]] bool owns(flow_handle flow) const { return uploads_.contains(flow); }
    [[nodiscard]] bool any_of(const content_key& key) const;
    [[nodiscard]] std::vector<upload_progress> progress() const;
    /// Needs that are kept until the store has answered.
    [[nodiscard]] std::size_t needs_kept() const noexcept { return kept_; }

private:
    enum class phase : std::uint8_t { asking, opening, serving };
    struct upload {
        content_key content;
        client_id peer;
        endpoint from;
        transfer_protocol protocol = transfer_protocol::foreground;
        phase at = phase::asking;
        chunk_index log_seen = 0;      ///< position up to which the receiver knows our log
        chunk_index log_told = 0;      ///< position up to which the current status tells
        bool status_stale = false;
        time_point status_at{};
        std::size_t waiting = 0;       ///< needs not provided yet
        std::uint64_t provided_bytes = 0;  ///< of content
        std::uint64_t sent_bytes = 0;      ///< of content, as the flow said when it was last measured
        std::uint64_t seen_bytes = 0;      ///< of these, what had been sent when idle contents were last looked for
    };
    struct need {
        flow_handle flow;
        byte_range range;  ///< of the object, within one region
    };

    [[nodiscard]] local_content* content_of(const upload& one);
    [[nodiscard]] bool acceptable_way(const flow_requested& request) const;
    [[nodiscard]] holdings_status status_for(const local_content& content, upload& one) const;
    /// A receiver came, or wants something: the content is not to be evicted. Whether it is open already, and can be given.
    bool keep_open(time_point now, local_content& content);
    void let_idle_go(time_point now);
    /// Who waits for the store to open the content.
    [[nodiscard]] std::vector<flow_handle> opening(const content_key& key) const;
    void accept(time_point now, flow_handle flow, upload& one, local_content& content);
    void send_status(time_point now, flow_handle flow, upload& one);
    void supply(time_point now, const region_key& key, const content_key& content, const need& wanted);
    void provide(time_point now, const region_key& key, const local_content& content, const need& wanted, const shared_bytes& region);
    void start_reads(time_point now);
    void forget_needs_of_ended();
    void end(time_point now, flow_handle flow, const flow_close& why);
    void refuse_liar(time_point now, const client_id& peer);
    void forget(std::map<flow_handle, upload>::iterator at);
    void measure(flow_handle flow, upload& one) const;
    void fail_read(time_point now, const content_key& key, const std::vector<need>& waiters, const error& failure);

    struct queued_read {
        region_key key;
        content_key content;
        need wanted;
    };

    engine_context* context_;
    content_table* contents_;
    std::map<flow_handle, upload> uploads_;
    std::map<region_key, std::vector<need>> reading_;  // unanswered reads and who waits for them
    std::deque<queued_read> queue_;                    // beyond limits::transfer_reads_max
    std::size_t kept_ = 0;                             // needs in reading_ and queue_
    std::size_t waiting_ = 0;                          // of those, of flows that go on
    time_point status_due_ = never;
    time_point measure_due_ = never;
    time_point idle_due_ = never;
};

}  // namespace p2pdist::detail::transfer
