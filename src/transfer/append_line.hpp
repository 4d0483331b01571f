#pragma once
// Bytes that can only be written in order: plain contents, and tree contents from a fallback source without a tree file.

#include <algorithm>
#include <deque>
#include <optional>
#include <vector>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/transfer/transfer_engine.hpp"

namespace p2pdist::detail::transfer {

/// What waits to be appended, and who gave what since the start. One store_append is under way at a time.
class append_line {
public:
    struct giver {
        source_kind kind = source_kind::store;
        client_id peer;                ///< all zero for a fallback source
        friend auto operator<=>(const giver&, const giver&) = default;
    };

    /// `appended` bytes are in the store; where there are any, nobody knows who gave them.
    void reset(std::uint64_t appended) {
        waiting_.clear();
        givers_.clear();
        split_.fill(0);
        appended_ = appended;
        queued_to_ = appended;
        split_[static_cast<std::size_t>(source_kind::store)] = appended;
        resumed_ = appended > 0;
        strict_ = true;
        pending_.reset();
    }

    [[nodiscard]] std::uint64_t appended() const noexcept { return appended_; }
    /// The end of what was given: where the next bytes belong.
    [[nodiscard]] std::uint64_t queued_to() const noexcept { return queued_to_; }
    [[nodiscard]] std::uint64_t waiting_bytes() const noexcept { return queued_to_ - appended_; }
    [[nodiscard]] bool busy() const noexcept { return pending_.has_value(); }
    [[nodiscard]] const source_split& split() const noexcept { return split_; }

    /// The bytes from `offset` on; what is before queued_to() is left out. False where there is a gap before them.
    bool give(std::uint64_t offset, shared_bytes data, const giver& from, bool authenticated) {
        if (offset > queued_to_) return false;
        const auto skip = queued_to_ - offset;
        if (skip >= data.view.size()) return true;
        data.view = data.view.subspan(skip);
        strict_ = strict_ && authenticated;
        while (!data.view.empty()) {
            const auto size = std::min(data.view.size(), limits::store_append_bytes_max);
            waiting_.push_back({queued_to_, {data.owner, data.view.first(size)}, from});
            queued_to_ += size;
            data.view = data.view.subspan(size);
        }
        return true;
    }

    /// The next request, if none is under way: as much of one giver's as it may hold, since the store takes its time for each.
    [[nodiscard]] std::optional<store_append> next(const content_key& key) {
        if (pending_ || waiting_.empty()) return std::nullopt;
        pending_ = std::move(waiting_.front());
        waiting_.pop_front();
        const auto joins = [this](std::size_t size) {
            return !waiting_.empty() && waiting_.front().from == pending_->from &&
                   size + waiting_.front().data.view.size() <= limits::store_append_bytes_max;
        };
        if (joins(pending_->data.view.size())) {
            auto joined = std::make_shared<bytes>(pending_->data.view.begin(), pending_->data.view.end());
            for (; joins(joined->size()); waiting_.pop_front()) {
                const auto& more = waiting_.front().data.view;
                joined->insert(joined->end(), more.begin(), more.end());
            }
            pending_->data = shared_bytes(std::move(joined));
        }
        return store_append{key, pending_->offset, pending_->data};
    }

    /// The request under way once more: the store had too much to do.
    [[nodiscard]] store_append again(const content_key& key) const { return {key, pending_->offset, pending_->data}; }

    /// The store's answer: everything up to `appended` is there. It may lie beyond what was given (verified chunks in between). False where it
    /// lies before that, since the disk lost something meanwhile: all from there on has to be given again.
    bool on_appended(std::uint64_t appended) {
        if (!pending_) return true;
        if (appended < pending_->offset + pending_->data.view.size()) {
            reset(appended);
            return false;
        }
        split_[static_cast<std::size_t>(pending_->from.kind)] += pending_->data.view.size();
        if (givers_.empty() || pending_->from != last_) {
            last_is_new_ = std::ranges::find(givers_, pending_->from) == givers_.end();
            if (last_is_new_) givers_.push_back(pending_->from);
            last_ = pending_->from;
        }
        pending_.reset();
        appended_ = std::max(appended_, appended);
        while (!waiting_.empty()) {
            auto& first = waiting_.front();
            if (first.offset >= appended_) break;
            const auto skip = std::min<std::uint64_t>(appended_ - first.offset, first.data.view.size());
            first.offset += skip;
            first.data.view = first.data.view.subspan(skip);
            if (first.data.view.empty()) waiting_.pop_front();
            else break;
        }
        queued_to_ = std::max(queued_to_, appended_);
        return true;
    }

    /// Who gave every byte, if it was one alone.
    [[nodiscard]] std::optional<giver> sole_giver() const {
        if (resumed_ || givers_.size() != 1) return std::nullopt;
        return givers_.front();
    }
    /// In the order in which they began to give.
    [[nodiscard]] const std::vector<giver>& givers() const noexcept { return givers_; }
    [[nodiscard]] const giver& last_giver() const noexcept { return last_; }
    /// Whether it stayed from its first byte to the end, so far.
    [[nodiscard]] bool stayed(const giver& one) const noexcept { return last_is_new_ && one == last_; }
    [[nodiscard]] bool all_authenticated() const noexcept { return strict_; }

private:
    struct item {
        std::uint64_t offset = 0;
        shared_bytes data;
        giver from;
    };
    std::deque<item> waiting_;
    std::optional<item> pending_;
    std::vector<giver> givers_;  // bounded by the sources of a download
    source_split split_{};
    std::uint64_t appended_ = 0;
    std::uint64_t queued_to_ = 0;
    giver last_;
    bool last_is_new_ = false;   // it gave nothing before somebody else did
    bool resumed_ = false;
    bool strict_ = true;
};

}  // namespace p2pdist::detail::transfer
