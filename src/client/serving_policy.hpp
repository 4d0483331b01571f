#pragma once
// Who is served (OFF-2, OFF-3, ACT-1), over which protocol (XFER-1, XFER-2), and in which order at a busy source (RANK).

#include <map>
#include <optional>

#include "fetch_job.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/transfer/serving_line.hpp"

namespace p2pdist::client_room {

class serving_policy {
public:
    explicit serving_policy(client_parts& parts) : parts_(&parts) {}

    void on_request(time_point now, const serve_request& request);
    void on_ended(time_point now, const upload_ended& upload);
    /// The topology may be another one: ends what would not be served now.
    void on_state_changed(time_point now);

    struct counters {
        std::uint64_t admitted = 0, refused = 0, busy = 0, displaced = 0;
    };
    [[nodiscard]] const counters& statistics() const noexcept { return counters_; }

private:
    struct receiver {
        ip_address address;
        transfer_protocol protocol = transfer_protocol::foreground;
    };
    void deny(time_point now, const serve_request& request, flow_close why);
    [[nodiscard]] std::optional<flow_close> objection(const ip_address& to, transfer_protocol protocol) const;
    [[nodiscard]] bool ranks_before(const client_id& left, const client_id& right) const;

    client_parts* parts_;
    serving_line office_{limits::uploads_office_max};    // over Foreground
    serving_line children_{limits::uploads_child_max};   // over Background
    std::map<flow_handle, receiver> served_;             // all who are in one of the lines
    counters counters_;
};

}  // namespace p2pdist::client_room
