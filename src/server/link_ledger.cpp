#include "link_ledger.hpp"

namespace p2pdist {
namespace {

/// Whether it is the link of a client in no office.
bool is_alone(const std::string& office) { return ip_address::parse(office).has_value(); }

}  // namespace

bool link_ledger::takes(const key& link) const {
    if (links_.contains(link)) return true;
    return links_.size() < limits::server_links_max && (alone_ < alone_max || !is_alone(link.first));
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
    if (is_new && is_alone(delta.office)) ++alone_;
    auto& sums = at->second;
    sums.bytes_in += delta.bytes_in;
    sums.bytes_out += delta.bytes_out;
}

}  // namespace p2pdist
