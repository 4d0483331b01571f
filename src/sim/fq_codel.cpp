#include "fq_codel.hpp"

#include <algorithm>

namespace p2pdist::sim {
namespace {

constexpr std::size_t dropped_at_once_max = 64;   // section 4.1: half of the fattest flow, but no more

}  // namespace

std::unique_ptr<queue_discipline> make_queue(const link_settings& settings) {
    switch (settings.queue.kind) {
        case queue_kind::tail_drop: break;
        case queue_kind::codel: return std::make_unique<codel_discipline>(settings);
        case queue_kind::fq_codel: return std::make_unique<fq_codel_discipline>(settings);
    }
    return nullptr;
}

void fq_codel_discipline::configure(const link_settings& settings) {
    settings_ = settings.queue;
    limit_bytes_ = settings.queue_bytes;
    if (size_ > 0) return;
    new_.clear();
    old_.clear();
    flows_.clear();
    flows_.resize(std::max<std::uint32_t>(1, settings_.flows));
}

void fq_codel_discipline::push(const queued_datagram& what, std::vector<link_departure>& gone) {
    auto& slot = flows_[what.what.flow % flows_.size()];
    if (!slot) slot = std::make_unique<flow>();
    slot->queue.push(what);
    bytes_ += what.what.ip_bytes;
    ++size_;
    if (!slot->listed) {
        slot->listed = true;
        slot->credit = static_cast<std::int64_t>(settings_.quantum_bytes);
        new_.push_back(slot.get());
    }
    if (bytes_ > limit_bytes_) make_room(gone);
}

fq_codel_discipline::flow* fq_codel_discipline::fattest() {
    flow* out = nullptr;
    for (const auto* list : {&new_, &old_}) {
        for (auto* each : *list) {
            if (!out || each->queue.bytes() > out->queue.bytes()) out = each;
        }
    }
    return out;
}

void fq_codel_discipline::make_room(std::vector<link_departure>& gone) {
    auto* from = fattest();
    const auto count = std::clamp<std::size_t>(from->queue.size() / 2, 1, dropped_at_once_max);
    for (std::size_t i = 0; i < count; ++i) {
        const auto dropped = from->queue.pop_front();
        bytes_ -= dropped.what.ip_bytes;
        --size_;
        gone.push_back({dropped.what.id, dropped.what.ecn, {link_passage::fate::queue_full}});
    }
}

std::optional<queued_datagram> fq_codel_discipline::pop(time_point now, std::vector<link_departure>& gone) {
    while (!new_.empty() || !old_.empty()) {
        const bool is_new = !new_.empty();
        auto& list = is_new ? new_ : old_;
        auto* next = list.front();
        if (next->credit <= 0) {
            next->credit += static_cast<std::int64_t>(settings_.quantum_bytes);
            list.pop_front();
            old_.push_back(next);
            continue;
        }
        const auto before = next->queue.bytes();
        const auto count = next->queue.size();
        auto out = next->queue.pop(now, settings_, gone);
        bytes_ -= before - next->queue.bytes();
        size_ -= count - next->queue.size();
        if (out) {
            next->credit -= static_cast<std::int64_t>(out->what.ip_bytes);
            return out;
        }
        // A flow that has run empty waits a turn among the old ones before it may be new again, or it would starve them.
        list.pop_front();
        if (is_new) old_.push_back(next);
        else next->listed = false;
    }
    return std::nullopt;
}

std::vector<queued_datagram> fq_codel_discipline::drain() {
    std::vector<queued_datagram> out;
    for (const auto* list : {&new_, &old_}) {
        for (auto* each : *list) {
            while (each->queue.size() > 0) out.push_back(each->queue.pop_front());
            each->listed = false;
        }
    }
    new_.clear();
    old_.clear();
    bytes_ = 0;
    size_ = 0;
    return out;
}

}  // namespace p2pdist::sim
