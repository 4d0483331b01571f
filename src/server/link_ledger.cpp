#include "link_ledger.hpp"

#include "p2pdist/base/limits.hpp"

namespace p2pdist {

bool link_ledger::takes(const key& link) const { return links_.size() < limits::server_links_max || links_.contains(link); }

void link_ledger::add(const link_record& delta) {
    auto& sums = links_[{delta.office, delta.content}];
    sums.bytes_in += delta.bytes_in;
    sums.bytes_out += delta.bytes_out;
}

}  // namespace p2pdist
