#include "attempt_record.hpp"

#include <algorithm>

namespace p2pdist::detail::transfer {

void attempt_record::begin(std::uint64_t offset) {
    now_ = {};
    go_on_from(offset);
}

void attempt_record::go_on_from(std::uint64_t offset) {
    at_ = chunk_from_ = offset;
    gathered_.clear();
    chunk_giver_ = 0;
    chunk_sole_ = true;
}

std::uint32_t attempt_record::place_of(const giver& from) {
    auto found = std::ranges::find(now_.givers, from);
    if (found == now_.givers.end()) found = now_.givers.insert(found, from);
    return static_cast<std::uint32_t>(found - now_.givers.begin()) + 1;
}

void attempt_record::note(std::uint64_t offset, byte_span data, const giver& from, bool authenticated) {
    const auto place = place_of(from);
    if (offset != at_) go_on_from(offset);
    while (!data.empty() && at_ < geometry_.size_bytes()) {
        const auto chunk = geometry_.chunk(static_cast<chunk_index>(at_ / chunk_bytes));
        const auto part = data.first(std::min<std::uint64_t>(data.size(), chunk.end() - at_));
        chunk_sole_ = chunk_sole_ && authenticated && (at_ == chunk_from_ || chunk_giver_ == place);
        chunk_giver_ = place;
        const bool whole_at_once = part.size() == chunk.length;
        if (!whole_at_once && chunk_from_ == chunk.offset) gathered_.insert(gathered_.end(), part.begin(), part.end());
        at_ += part.size();
        data = data.subspan(part.size());
        if (at_ < chunk.end()) continue;
        close_chunk(whole_at_once ? part : byte_span(gathered_));
        gathered_.clear();
        chunk_from_ = at_;
        chunk_sole_ = true;
    }
}

void attempt_record::close_chunk(byte_span whole) {
    const auto index = static_cast<std::size_t>((at_ - 1) / chunk_bytes);
    if (index >= limits::transfer_attempt_claims_max / 2) return;
    now_.claims.resize(std::max(now_.claims.size(), index + 1));
    if (whole.size() != geometry_.chunk(static_cast<chunk_index>(index)).length) return;  // begun before this attempt
    now_.claims[index] = {crypto_->siphash(key_, {whole}), chunk_sole_ ? chunk_giver_ : 0, true};
}

void attempt_record::failed() {
    std::size_t kept = now_.claims.size();
    for (const auto& one : failed_) kept += one.claims.size();
    for (; !failed_.empty() && kept > limits::transfer_attempt_claims_max; failed_.pop_front()) kept -= failed_.front().claims.size();
    failed_.push_back(std::move(now_));
    now_ = {};
}

std::vector<attempt_record::lie> attempt_record::liars() const {
    std::vector<lie> out;
    for (const auto& one : failed_) {
        for (std::size_t index = 0; index < std::min(one.claims.size(), now_.claims.size()); ++index) {
            const auto& right = now_.claims[index];
            const auto& said = one.claims[index];
            if (!right.known || !said.known || said.from == 0 || said.fingerprint == right.fingerprint) continue;
            const auto& from = one.givers[said.from - 1];
            if (std::ranges::none_of(out, [&](const lie& known) { return known.from == from; }))
                out.push_back({from, static_cast<chunk_index>(index)});
        }
    }
    return out;
}

}  // namespace p2pdist::detail::transfer
