#include "flow_base.hpp"

namespace p2pdist::detail::flow {

std::uint64_t flow_context::say(time_point now, const client_id& peer, const path& way, const flow_control& control,
                                send_status* status) const {
    const auto payload = encode(control);
    auto outcome = send_status::too_large;
    if (payload.size() <= link.frame_payload_max()) outcome = link.send(now, peer, way, frame_type::flow_control, payload);
    if (status) *status = outcome;
    if (outcome != send_status::sealed && outcome != send_status::kept) return 0;
    return payload.size() + sealed_overhead_bytes;
}

}  // namespace p2pdist::detail::flow
