#include "fallback_sources.hpp"

#include <algorithm>

#include "p2pdist/base/limits.hpp"

namespace p2pdist::sim {
namespace {

constexpr duration cdn_latency = std::chrono::milliseconds(40);
constexpr duration file_store_latency = std::chrono::milliseconds(5);

}  // namespace

const fallback_library::entry* fallback_reading::find(const fallback_request& request) const {
    const auto found = library_->contents.find(request.content.key());
    if (found == library_->contents.end()) return nullptr;
    const auto& entry = found->second;
    if (!(request.from == source_kind::cdn ? entry.cdn : entry.file_store)) return nullptr;
    if (request.what == fallback_request::target::tree && !entry.tree_file) return nullptr;
    return &entry;
}

fallback_reading::started fallback_reading::start(time_point now, fallback_request request) {
    const auto slot = next_slot_++;
    reading what{std::move(request), 0, 0};
    if (const auto* entry = find(what.request)) {
        const bool tree = what.request.what == fallback_request::target::tree;
        what.at = tree ? 0 : what.request.range.offset;
        what.end = tree ? entry->content.tree_file()->size() : std::min(what.request.range.end(), entry->content.info().size_bytes);
    }
    const auto latency = what.request.from == source_kind::cdn ? cdn_latency : file_store_latency;
    readings_.emplace(slot, std::move(what));
    return {slot, now + latency};
}

void fallback_reading::cancel(std::uint64_t request) {
    std::erase_if(readings_, [&](const auto& each) { return each.second.request.id == request; });
}

std::optional<fallback_reading::piece> fallback_reading::next(time_point now, std::uint64_t slot) {
    const auto found = readings_.find(slot);
    if (found == readings_.end()) return std::nullopt;
    auto& what = found->second;
    const auto& request = what.request;
    const auto* entry = find(request);
    piece out{request.id, what.at, {}, std::nullopt, false, now};
    if (!entry || what.at >= what.end) {
        out.last = true;
        if (!entry) out.failure = error{errc::not_found, "there is no " + request.content.id.text()};
        readings_.erase(found);
        return out;
    }
    const bool tree = request.what == fallback_request::target::tree;
    const auto length = std::min<std::uint64_t>(limits::fallback_piece_bytes, what.end - what.at);
    const auto& source = tree ? entry->content.tree_file() : entry->content.data();
    out.data = shared_bytes(source, byte_span(*source).subspan(what.at, length));
    what.at += length;
    if (!tree) library_->read_bytes[static_cast<std::size_t>(request.from)] += length;
    auto rate = request.from == source_kind::cdn ? library_->cdn_bytes_per_second : library_->file_store_bytes_per_second;
    if (request.bytes_per_second_max > 0) rate = std::min(rate, request.bytes_per_second_max);
    out.next_due = now + std::chrono::duration_cast<duration>(std::chrono::duration<double>(static_cast<double>(length) / rate));
    return out;
}

}  // namespace p2pdist::sim
