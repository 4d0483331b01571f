#pragma once
// Who is served (OFF-2, OFF-3, ACT-1), over which protocol (XFER-1, XFER-2), and in which order at a busy source (RANK).

#include <string>

#include "fetch_job.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/transfer/serving_line.hpp"

namespace p2pdist::client_room {

class serving_policy {
public:
    explicit serving_policy(client_parts& parts) : parts_(&parts) {}

    void on_request(time_point now, const serve_request& request);
    void on_ended(time_point now, const upload_ended& upload);

    struct counters {
        std::uint64_t admitted = 0, refused = 0, busy = 0, displaced = 0;
    };
    [[nodiscard]] const counters& statistics() const noexcept { return counters_; }

private:
    void deny(time_point now, const serve_request& request, errc why, std::string text, std::uint32_t retry_after_ms = 0);
    [[nodiscard]] bool ranks_before(const client_id& left, const client_id& right) const;

    client_parts* parts_;
    serving_line office_{limits::uploads_office_max};    // over Foreground
    serving_line children_{limits::uploads_child_max};   // over Background
    counters counters_;
};

}  // namespace p2pdist::client_room
