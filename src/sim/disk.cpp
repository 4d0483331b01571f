#include "p2pdist/sim/disk.hpp"

#include <algorithm>

#include "p2pdist/base/assert.hpp"

namespace p2pdist::sim {
namespace {

struct work {
    std::uint64_t bytes = 0;
    bool sync = false;
};

template <class... Operations>
bool is_one_of(const store_request& request) {
    return (std::holds_alternative<Operations>(request.operation) || ...);
}

bool needs_room(const store_request& request) {
    const auto* open = std::get_if<store_open>(&request.operation);
    return (open && open->create) || is_one_of<store_write_chunk, store_append, store_import, store_export, store_install_tree>(request);
}

work work_of(const store_request& request) {
    if (const auto* write = std::get_if<store_write_chunk>(&request.operation)) return {write->data.view.size(), true};
    if (const auto* append = std::get_if<store_append>(&request.operation)) return {append->data.view.size(), true};
    if (std::holds_alternative<store_read_chunk>(request.operation)) return {chunk_bytes, false};
    return {0, false};
}

}  // namespace

disk::disk(const crypto_suite& crypto, memory_store_options options, disk_settings settings, std::uint64_t seed)
    : state_(std::make_shared<shared_state>(seed)),
      store_(crypto,
             [&] {
                 options.corrupt = [state = state_](const content_key&, chunk_index) { return state->chance(state->trouble.corrupt); };
                 return std::move(options);
             }()),
      settings_(settings) {}

std::optional<error> disk::trouble_with(const store_request& request) {
    if (state_->trouble.full && needs_room(request)) return error{errc::no_space, "the disk is full"};
    const bool moves_bytes = needs_room(request) || is_one_of<store_read_chunk, store_finish, store_read_tree, store_attach>(request);
    if (moves_bytes && state_->chance(state_->trouble.failing)) return error{errc::io_failed, "the disk fails"};
    return std::nullopt;
}

disk::ticket disk::submit(time_point now, store_request request) {
    const auto what = work_of(request);
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(waiting_.size()));
        waiting_.emplace_back();
    }
    const auto slot = free_.back();
    free_.pop_back();
    waiting_[slot] = entry{std::move(request), ++submitted_};
    const auto slowed = [this](duration time) {
        const auto factor = state_->trouble.slowness;
        return factor == 1 ? time : duration(static_cast<duration::rep>(static_cast<double>(time.count()) * factor));
    };
    busy_until_ = std::max(busy_until_, now);
    if (settings_.bytes_per_second > 0)
        busy_until_ += slowed(duration(static_cast<duration::rep>(what.bytes * 1'000'000'000 / settings_.bytes_per_second)));
    return {slot, busy_until_ + slowed(settings_.latency + (what.sync ? settings_.sync_latency : duration::zero()))};
}

store_completion disk::take_effect(std::uint32_t slot) {
    P2PDIST_ASSERT(waiting_[slot].has_value());
    const auto request = std::move(waiting_[slot]->request);
    waiting_[slot].reset();
    free_.push_back(slot);
    if (auto trouble = trouble_with(request)) return {request.id, std::move(trouble), store_done{}, {}};
    return store_.execute(request);
}

void disk::crash(random_source& random) {
    std::erase_if(waiting_, [](const auto& each) { return !each; });
    std::sort(waiting_.begin(), waiting_.end(), [](const auto& left, const auto& right) { return left->number < right->number; });
    for (const auto& each : waiting_) store_.interrupt(each->request, random);
    waiting_.clear();
    free_.clear();
    busy_until_ = {};
    store_.restart();
}

}  // namespace p2pdist::sim
