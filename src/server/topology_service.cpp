#include "topology_service.hpp"

#include "p2pdist/base/assert.hpp"

namespace p2pdist {
namespace {

/// For a client that is in no office: it is an office of its own below the central one, and needs to know no other (OFF-1).
topology central_alone(const topology& whole) {
    auto alone = topology::make({whole[whole.central()]});
    P2PDIST_ASSERT(alone.has_value());
    return *alone;
}

}  // namespace

topology_service::topology_service(const ip_address& server, int prefix_bits)
    : server_(server), server_subnet_(subnet::of(server, prefix_bits)), detected_({server_subnet_}), in_force_(detected_.current()) {}

bool topology_service::put(const topology_record& record) {
    views_.clear();
    auto parsed = parse_spreadsheet(record.spreadsheet);
    read_again_.reset();
    if (!parsed) {
        record_ = {record.version, {}, false, record.imported ? record.spreadsheet : record.unread};
        return false;
    }
    record_ = record;
    if (auto again = parse_spreadsheet(record.unread)) read_again_ = std::move(*again);
    in_force_ = *parsed;
    return true;
}

void topology_service::learn(const client_record& client) {
    if (!client.revoked && detected_.add(client.address, client.prefix_bits)) changed_ = true;
}

void topology_service::forget(const client_record& client) {
    if (!client.revoked && detected_.remove(client.address, client.prefix_bits)) changed_ = true;
}

std::optional<topology_record> topology_service::outgrown() {
    if (record_.imported) return std::nullopt;
    changed_ = false;
    if (read_again_) return topology_record{record_.version + 1, record_.unread, true, {}};
    if (!record_.spreadsheet.empty() && detected_.current() == in_force_) return std::nullopt;
    return topology_record{record_.version + 1, to_spreadsheet(detected_.current()), false, record_.unread};
}

topology_record topology_service::imported(const topology& offices) const {
    if (record_.imported && offices == in_force_) return record_;
    return {record_.version + 1, to_spreadsheet(offices), true, {}};
}

const std::string& topology_service::view_text(office_slot office) {
    const auto [at, is_new] = views_.try_emplace(office);
    if (is_new) at->second = to_spreadsheet(office ? in_force_.view_for(*office) : central_alone(in_force_));
    return at->second;
}

}  // namespace p2pdist
