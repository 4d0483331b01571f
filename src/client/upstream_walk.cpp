#include "upstream_walk.hpp"

#include <utility>

namespace p2pdist::client_room {

void upstream_walk::start(time_point now, const content_info& content, std::vector<office_sources> above, bool as_rendezvous_point,
                          std::set<client_id> dead, bool patience, done then) {
    stop();
    content_ = content;
    above_ = std::move(above);
    as_rendezvous_point_ = as_rendezvous_point;
    dead_ = std::move(dead);
    patience_ = patience;
    level_ = 0;
    outcome_ = {};
    then_ = std::move(then);
    next(now);
}

void upstream_walk::stop() {
    interview_.stop();
    then_ = nullptr;
}

void upstream_walk::next(time_point now) {
    if (level_ >= above_.size()) {
        end(now);
        return;
    }
    const auto& office = above_[level_];
    std::vector<peer_info> candidates = office.holders;
    for (const auto& ranked : office.roster) candidates.push_back(ranked.peer);
    interview_.start(now, want_request{content_, office.office, as_rendezvous_point_}, std::move(candidates), dead_,
                     [this](time_point at, const interview_outcome& got) {
                         outcome_.any_answer = outcome_.any_answer || got.any_answer;
                         outcome_.silent.insert(outcome_.silent.end(), got.silent.begin(), got.silent.end());
                         outcome_.remarks.insert(outcome_.remarks.end(), got.remarks.begin(), got.remarks.end());
                         outcome_.office = above_[level_].office;
                         if (got.found) {
                             outcome_.peer = got.found->peer;
                             end(at);
                         } else if (got.undecided && patience_) {
                             outcome_.undecided = true;
                             end(at);
                         } else {
                             ++level_;
                             next(at);
                         }
                     });
}

void upstream_walk::end(time_point now) {
    const auto then = std::exchange(then_, nullptr);
    const auto out = std::exchange(outcome_, {});
    if (then) then(now, out);
}

}  // namespace p2pdist::client_room
