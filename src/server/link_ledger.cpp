#include "link_ledger.hpp"

#include <algorithm>

namespace p2pdist {
namespace {

/// Whether it is the link of a client in no office.
bool is_alone(const std::string& office) { return ip_address::parse(office).has_value(); }

}  // namespace

bool link_ledger::takes(const key& link) const {
    if (links_.contains(link)) return true;
    return links_.size() < limits::server_links_max && (alone_ < alone_max || !is_alone(link.first));
}

std::optional<content_key> link_ledger::in_the_way_of(const key& link) const {
    if (takes(link)) return std::nullopt;
    const bool room_for_others = links_.size() < limits::server_links_max;
    const auto at = std::find_if(removed_.begin(), removed_.end(),
                                 [&](const content_key& content) { return !room_for_others || alone_of_.at(content) > 0; });
    return at != removed_.end() ? std::optional(*at) : std::nullopt;
}

void link_ledger::forget(const content_key& content) {
    const auto gone = alone_of_.extract(content);
    if (gone.empty()) return;
    alone_ -= gone.mapped();
    removed_.erase(content);
    std::erase_if(links_, [&](const auto& entry) { return entry.first.second == content; });
}

void link_ledger::on_removed(const content_key& content) {
    if (alone_of_.contains(content)) removed_.insert(content);
}

bool link_ledger::contains(const link_mark& report) const {
    const auto mark = marks_.find(report.client);
    return report.number != 0 && mark != marks_.end() && mark->second.boot == report.boot && mark->second.number >= report.number;
}

void link_ledger::set_mark(const link_mark& report) {
    if (report.number != 0) marks_[report.client] = report;
}

void link_ledger::add(const link_record& delta) {
    const auto [at, is_new] = links_.try_emplace({delta.office, delta.content});
    if (is_new) {
        const std::size_t alone = is_alone(delta.office) ? 1 : 0;
        alone_of_[delta.content] += alone;
        alone_ += alone;
    }
    auto& sums = at->second;
    sums.bytes_in += delta.bytes_in;
    sums.bytes_out += delta.bytes_out;
}

}  // namespace p2pdist
