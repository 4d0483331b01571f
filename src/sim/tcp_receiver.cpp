#include "tcp_receiver.hpp"

#include <algorithm>

namespace p2pdist::sim {
namespace {

constexpr duration delay = std::chrono::milliseconds(40);

}  // namespace

/// False: it was there already.
bool tcp_receiver::store(std::uint64_t number) {
    if (number < next_) return false;
    if (number == next_) {
        ++next_;
        if (const auto follows = above_.find(next_); follows != above_.end()) {
            next_ = follows->second;
            above_.erase(follows);
        }
        return true;
    }
    auto after = above_.upper_bound(number);
    if (after != above_.begin() && std::prev(after)->second > number) return false;
    auto first = number, end = number + 1;
    if (after != above_.end() && after->first == end) {
        end = after->second;
        after = above_.erase(after);
    }
    if (after != above_.begin() && std::prev(after)->second == number) {
        first = std::prev(after)->first;
        above_.erase(std::prev(after));
    }
    above_[first] = end;
    if (recent_[0] >= first && recent_[0] < end) recent_[0] = number;
    else recent_ = {number, recent_[0], recent_[1]};
    return true;
}

std::optional<tcp_ack> tcp_receiver::on_segment(time_point now, std::uint64_t number, bool marked) {
    const bool in_order = number == next_ && above_.empty();
    if (store(number)) ++distinct_;
    if (marked) ++marked_;
    ++unacknowledged_;
    if (quick_ > 0) --quick_;
    if (!in_order || marked || quick_ > 0 || unacknowledged_ >= 2) return acknowledge();
    due_ = std::min(due_, now + delay);
    return std::nullopt;
}

std::optional<tcp_ack> tcp_receiver::on_timer(time_point now) {
    if (due_ > now) return std::nullopt;
    return acknowledge();
}

tcp_ack tcp_receiver::acknowledge() {
    unacknowledged_ = 0;
    due_ = never;
    tcp_ack out;
    out.next = next_;
    out.marked = marked_;
    for (const auto number : recent_) {
        if (number < next_ || above_.empty()) continue;
        auto range = above_.upper_bound(number);
        if (range == above_.begin()) continue;
        --range;
        const auto known = [&](const segment_range& each) { return each.first == range->first; };
        if (std::any_of(out.selective.begin(), out.selective.begin() + out.selective_count, known)) continue;
        out.selective[out.selective_count++] = {range->first, range->second};
    }
    return out;
}

}  // namespace p2pdist::sim
