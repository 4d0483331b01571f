#include "commit_desk.hpp"

#include <utility>

namespace p2pdist {

void commit_desk::submit(time_point now, std::vector<catalogue_change> changes, continuation then) {
    if (pending_.size() >= limits::server_commits_pending_max) {
        return then(now, {errc::limit_reached, "the server's database has too much to do; try again in a minute"});
    }
    const auto id = next_++;
    out_.push_back({id, changes});
    pending_.emplace(id, entry{std::move(changes), std::move(then), now});
}

std::optional<catalogue_request> commit_desk::poll() {
    if (out_.empty()) return std::nullopt;
    auto out = std::move(out_.front());
    out_.pop_front();
    return out;
}

void commit_desk::complete(time_point now, const catalogue_completion& completion) {
    auto node = pending_.extract(completion.id);
    if (node.empty()) return;
    auto& done = node.mapped();
    if (completion.outcome) {
        for (const auto& change : done.changes) state_->apply(change);
        trouble_.reset();
    } else {
        trouble_ = completion.outcome.error();
    }
    done.then(now, completion.outcome);
}

std::optional<time_point> commit_desk::waiting_since() const {
    if (pending_.empty()) return std::nullopt;
    return pending_.begin()->second.since;
}

bool change_queue::add(time_point now, change what) {
    if (waiting_.size() >= limits::server_admin_pending_max) return false;
    waiting_.push_back(std::move(what));
    if (!busy_) begin_next(now);
    return true;
}

void change_queue::begin_next(time_point now) {
    if (waiting_.empty()) return;
    busy_ = true;
    auto what = std::move(waiting_.front());
    waiting_.pop_front();
    what(now, [this](time_point later) {
        busy_ = false;
        begin_next(later);
    });
}

}  // namespace p2pdist
