#include "lost_lists.hpp"

#include <algorithm>

#include "p2pdist/base/limits.hpp"

namespace p2pdist {

bool lost_lists::on_held(time_point now, const client_id& who, const ip_address& where, const held_list& list) {
    if (!desk_->lacks(list)) return false;
    if (std::any_of(asked_.begin(), asked_.end(), [&](const auto& entry) { return entry.second == who; })) return true;
    std::erase_if(asked_at_, [&](const auto& entry) { return now - entry.second >= limits::lost_list_pause; });
    if (asked_at_.contains(who)) return false;   // it said so, and gave nothing
    if (asked_.size() >= limits::lost_lists_asked_max) return true;
    if (asked_at_.size() >= limits::lost_list_askees_max) {
        asked_at_.erase(std::ranges::min_element(asked_at_, {}, [](const auto& entry) { return entry.second; }));
    }
    asked_at_[who] = now;
    asked_[ask_(now, who, where)] = who;
    return true;
}

void lost_lists::on_answer(time_point now, const message_answered& got) {
    if (asked_.erase(got.request) == 0) return;
    const auto* reply = std::get_if<revocations_reply>(&got.body);
    const auto list = reply != nullptr ? decode_revocation_list(reply->list) : std::nullopt;
    if (!list || !desk_->is_own(*list)) return;
    if (desk_->lacks({list->number, list->oldest_epoch})) desk_->adopt(now, *list);
}

void lost_lists::on_epoch(time_point now, std::uint16_t epoch) {
    if (epoch <= shared_->state.versions.key_epoch || epoch <= epoch_) return;
    epoch_ = epoch;
    epoch_due_ = std::min(epoch_due_, now + limits::lost_epoch_patience);
}

void lost_lists::on_wall_clock(time_point now) {
    if (now < epoch_due_) return;
    epoch_due_ = never;
    if (epoch_ <= shared_->state.versions.key_epoch) return;
    epoch_due_ = now + limits::lost_epoch_patience;   // should it fail
    if (asked_.empty()) desk_->catch_up(now, epoch_);
}

}  // namespace p2pdist
