#include "office_round.hpp"

#include <utility>

namespace p2pdist::client_room {

void office_round::start(time_point now, const content_info& content, const office_sources& own, std::set<client_id> dead, bool patience,
                         done then) {
    stop();
    question_ = want_request{content, own.office, false};
    dead_ = std::move(dead);
    patience_ = patience;
    outcome_ = {};
    then_ = std::move(then);
    before_.clear();
    behind_.clear();
    in_roster_ = false;
    for (const auto& candidate : own.roster) {
        if (candidate.peer.id == node_->self.id) {
            in_roster_ = true;
        } else {
            (in_roster_ ? behind_ : before_).push_back(candidate.peer);
        }
    }
    std::vector<peer_info> holders;
    for (const auto& holder : own.holders) {
        if (holder.id != node_->self.id && !dead_.contains(holder.id)) holders.push_back(holder);
    }
    if (holders.empty()) {
        ask_better(now);
        return;
    }
    auto passive = question_;
    passive.as_rendezvous_point = true;
    poll_.start(now, passive, holders, [this, holders](time_point at, const interview_outcome& got) {
        gather(got);
        if (usable(got)) {
            outcome_.sources.insert(outcome_.sources.end(), holders.begin(), holders.end());
            end(at, decision::follow);
        } else {
            ask_better(at);
        }
    });
}

void office_round::stop() {
    interview_.stop();
    poll_.stop();
    claiming_ = false;
    then_ = nullptr;
}

bool office_round::usable(const interview_outcome& got) const {
    return got.found && !dead_.contains(got.found->peer.id) && got.found->peer.id != node_->self.id;
}

void office_round::gather(const interview_outcome& got) {
    for (const auto& some : got.partial) outcome_.sources.push_back(some.peer);
    outcome_.silent.insert(outcome_.silent.end(), got.silent.begin(), got.silent.end());
    outcome_.remarks.insert(outcome_.remarks.end(), got.remarks.begin(), got.remarks.end());
    if (!usable(got)) return;
    outcome_.peer = got.found->peer;
    outcome_.told_by = got.told_by;
    outcome_.peer_is_holder = got.found->reply.verdict == want_verdict::holder;
    outcome_.sources.insert(outcome_.sources.end(), got.found->reply.others.begin(), got.found->reply.others.end());
}

void office_round::ask_better(time_point now) {
    interview_.start(now, question_, before_, dead_, [this](time_point at, const interview_outcome& got) {
        gather(got);
        if (usable(got)) {
            end(at, decision::follow);
        } else if (got.undecided && patience_) {
            end(at, decision::look_again);
        } else if (!in_roster_ && !before_.empty() && patience_) {
            end(at, decision::look_again);  // the server's next roster may name somebody who lives
        } else {
            claim(at);
        }
    });
}

void office_round::claim(time_point now) {
    claiming_ = true;
    auto passive = question_;
    passive.as_rendezvous_point = true;
    std::vector<peer_info> others;
    for (const auto& peer : behind_) {
        if (!dead_.contains(peer.id)) others.push_back(peer);
    }
    poll_.start(now, passive, others, [this](time_point at, const interview_outcome& got) {
        gather(got);
        end(at, usable(got) ? decision::follow : decision::act);
    });
}

void office_round::end(time_point now, decision what) {
    claiming_ = false;
    outcome_.what = what;
    const auto then = std::exchange(then_, nullptr);
    const auto out = std::exchange(outcome_, {});
    if (then) then(now, out);
}

}  // namespace p2pdist::client_room
