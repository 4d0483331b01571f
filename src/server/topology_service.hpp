#pragma once
// The topology in force: imported, or detected from the clients' subnets (OFF-6), with its version and each office's view of it.

#include <map>
#include <optional>
#include <string>

#include "p2pdist/office/detected_topology.hpp"
#include "p2pdist/office/spreadsheet.hpp"
#include "p2pdist/server/catalogue.hpp"
#include "registry.hpp"

namespace p2pdist {

class topology_service {
public:
    /// The server's own subnet is the central office of a detected topology.
    topology_service(const ip_address& server, int prefix_bits);

    /// Puts a committed topology in force. A detected one is in force until then. False where its text is no topology (a damaged
    /// database, or another version of this program wrote it): the detected one stays, under a version of its own, and an imported text
    /// is kept in the record as unread. Where that one can be read it is what the next outgrown() gives.
    bool put(const topology_record& record);
    [[nodiscard]] const topology& in_force() const noexcept { return in_force_; }
    [[nodiscard]] const topology_record& record() const noexcept { return record_; }

    /// A client's record is in the registry now: its subnet counts, unless it was revoked.
    void learn(const client_record& client);
    /// This record is not in the registry any more.
    void forget(const client_record& client);
    [[nodiscard]] const topology& detected() const { return detected_.current(); }
    /// How often the detected topology was made.
    [[nodiscard]] std::uint64_t builds() const noexcept { return detected_.builds(); }
    /// Whether it is worth while to ask outgrown(), which looks at all offices.
    [[nodiscard]] bool may_be_outgrown() const noexcept { return !record_.imported && (changed_ || record_.spreadsheet.empty() || read_again_); }
    /// The record that has to be committed because the detected topology changed while it is in force, or since an imported one can be
    /// read again.
    [[nodiscard]] std::optional<topology_record> outgrown();
    /// What importing `text` would give; nothing of it where it is the one in force already.
    [[nodiscard]] topology_record imported(const topology& offices) const;

    /// What a client of that office needs, as text. Made once for each office and version.
    [[nodiscard]] const std::string& view_text(office_slot office);
    /// SRV-4, for an imported topology of a server that has moved since.
    [[nodiscard]] std::optional<refusal> misplaced_server() const { return check_server(in_force_, server_); }
    [[nodiscard]] const ip_address& server() const noexcept { return server_; }

private:
    ip_address server_;
    subnet server_subnet_;
    detected_topology detected_;
    bool changed_ = false;   // what clients name, since outgrown() looked
    std::optional<topology> read_again_;   // record_.unread
    topology in_force_;
    topology_record record_;  // its text is empty where none was committed yet, or what was is no topology
    std::map<office_slot, std::string> views_;
};

}  // namespace p2pdist
