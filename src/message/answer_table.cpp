#include "answer_table.hpp"

namespace p2pdist {

std::optional<std::uint64_t> answer_table::find(const client_id& peer, std::uint64_t id) const noexcept {
    const auto found = by_id_.find({peer, id});
    if (found == by_id_.end()) return std::nullopt;
    return found->second;
}

handled_request* answer_table::find(std::uint64_t handle) noexcept {
    const auto found = requests_.find(handle);
    return found == requests_.end() ? nullptr : &found->second;
}

bool answer_table::add(std::uint64_t handle, handled_request request, time_point forget_at) {
    if (requests_.size() - answered_count_ >= entries_max_) return false;
    auto& of_peer = open_of_[request.peer];
    if (of_peer >= open_of_peer_max) return false;
    ++of_peer;
    by_id_[{request.peer, request.id}] = handle;
    requests_.emplace(handle, std::move(request));
    open_.set(handle, forget_at);
    return true;
}

void answer_table::set_answer(std::uint64_t handle, bytes answer, time_point forget_at) {
    auto& request = requests_.at(handle);
    bytes_ += answer.size() - request.answer.size();
    if (!request.answered) {
        ++answered_count_;
        close(request.peer);
    }
    request.answered = true;
    request.answer = std::move(answer);
    open_.clear(handle);
    answered_.set(handle, forget_at);
}

/// One less that waits for its answer.
void answer_table::close(const client_id& peer) {
    const auto at = open_of_.find(peer);
    if (--at->second == 0) open_of_.erase(at);
}

void answer_table::erase(std::uint64_t handle) {
    const auto found = requests_.find(handle);
    if (found == requests_.end()) return;
    const auto& request = found->second;
    bytes_ -= request.answer.size();
    if (request.answered) --answered_count_;
    else close(request.peer);
    by_id_.erase({request.peer, request.id});
    open_.clear(handle);
    answered_.clear(handle);
    requests_.erase(found);
}

std::optional<std::uint64_t> answer_table::next_to_forget(time_point now) {
    if (bytes_ > bytes_max_ || (requests_.size() > entries_max_ && answered_count_ > 0)) return answered_.pop_first();
    if (const auto due = answered_.pop_due(now)) return due;
    return open_.pop_due(now);
}

}  // namespace p2pdist
