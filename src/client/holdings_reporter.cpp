#include "holdings_reporter.hpp"

namespace p2pdist::client_room {
namespace {
constexpr duration gather_time = std::chrono::seconds(2);  // changes within it share a report
constexpr duration publish_gather_time = std::chrono::seconds(5);  // spreads the clients' lists, and publishes within it share one
}

holdings_reporter::holdings_reporter(node& shared, membership& member, office_view& offices)
    : node_(&shared),
      member_(&member),
      offices_(&offices),
      requests_(shared),
      pause_(std::chrono::seconds(1), std::chrono::seconds(60)) {}

holding holdings_reporter::state_of(const content_key& content) const {
    const auto found = held_.find(content);
    return found == held_.end() ? holding{content, holding_state::none, false} : found->second;
}

void holdings_reporter::set(time_point now, const content_key& content, holding_state state) {
    auto current = state_of(content);
    if (current.state == state) return;
    current.state = state;
    held_[content] = current;
    changed(now, content, state == holding_state::complete);
}

void holdings_reporter::set_acting(time_point now, const content_key& content, bool acting) {
    auto current = state_of(content);
    if (current.acting == acting) return;
    current.acting = acting;
    held_[content] = current;
    changed(now, content, false);
}

void holdings_reporter::changed(time_point now, const content_key& content, bool at_once) {
    unreported_[content] = true;
    schedule(at_once ? now : now + gather_time);
}

void holdings_reporter::on_store_read(time_point now) {
    store_read_ = true;
    everything_ = true;
    schedule(now);
}

void holdings_reporter::on_registered(time_point now) {
    everything_ = true;
    schedule(now);
}

void holdings_reporter::on_contents_changed(time_point now) {
    if (held_.empty() || everything_) return;
    everything_ = true;
    schedule(now + node_->jitter.jittered(publish_gather_time, 0.5));
}

void holdings_reporter::on_timer(time_point now) {
    if (next_ > now) return;
    next_ = never;
    send(now);
}

void holdings_reporter::send(time_point now) {
    if (sending_ || !store_read_ || !member_->registered()) return;  // on_registered() comes back to it
    if (!everything_ && unreported_.empty()) return;
    holdings_report report;
    report.complete_list = everything_;
    const auto told = everything_ ? std::map<content_key, bool>{} : unreported_;
    if (everything_) {
        for (const auto& [key, what] : held_) report.holdings.push_back(what);
    } else {
        for (const auto& [key, unused] : unreported_) report.holdings.push_back(state_of(key));
    }
    everything_ = false;
    unreported_.clear();
    std::erase_if(held_, [](const auto& entry) { return entry.second.state == holding_state::none && !entry.second.acting; });
    sending_ = true;
    const bool complete = report.complete_list;
    message_options options;
    options.large_protocol = offices_->is_central() ? transfer_protocol::foreground : transfer_protocol::background;
    requests_.ask(
        now, member_->server(), std::move(report),
        [this, complete, told](time_point at, const answer& got) {
            sending_ = false;
            if (got.as<holdings_reply>()) {
                pause_.reset();
                if (everything_ || !unreported_.empty()) schedule(at);
                return;
            }
            node_->log(log_level::warning, "event=report_failed reason=\"" + (got.failure ? got.failure->message : std::string("?")) + '"');
            everything_ = everything_ || complete;
            for (const auto& [key, unused] : told) unreported_[key] = true;
            schedule(at + pause_.next(node_->jitter));
        },
        options);
}

}  // namespace p2pdist::client_room
