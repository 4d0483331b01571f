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
    /// database): the detected one stays.
    bool put(const topology_record& record);
    [[nodiscard]] const topology& in_force() const noexcept { return in_force_; }
    [[nodiscard]] const topology_record& record() const noexcept { return record_; }

    /// The subnet of one of these clients. Where there is no room, and now and then only, those that nobody is in any more are forgotten:
    /// one client that moves on and on must not keep the others' from being known.
    void learn(const ip_address& client, int prefix_bits, const registry& clients);
    /// Forgets them all, for a fresh start from the registry.
    void learn_anew(const registry& clients);
    [[nodiscard]] const topology& detected() const { return detected_.current(); }
    /// The record that has to be committed because the detected topology changed while it is in force.
    [[nodiscard]] std::optional<topology_record> outgrown() const;
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
    std::size_t learned_full_ = 0;   // clients, since the last fresh start, for whose subnets there was no room
    topology in_force_;
    topology_record record_;
    std::map<office_slot, std::string> views_;
};

}  // namespace p2pdist
