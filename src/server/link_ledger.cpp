#include "link_ledger.hpp"

#include "p2pdist/base/limits.hpp"

namespace p2pdist {

bool link_ledger::takes(const key& link) const { return links_.size() < limits::server_links_max || links_.contains(link); }

bool link_ledger::contains(const link_mark& report) const {
    const auto mark = marks_.find(report.client);
    return report.number != 0 && mark != marks_.end() && mark->second.boot == report.boot && mark->second.number >= report.number;
}

void link_ledger::set_mark(const link_mark& report) {
    if (report.number != 0) marks_[report.client] = report;
}

void link_ledger::add(const link_record& delta) {
    auto& sums = links_[{delta.office, delta.content}];
    sums.bytes_in += delta.bytes_in;
    sums.bytes_out += delta.bytes_out;
}

}  // namespace p2pdist
