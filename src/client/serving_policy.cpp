#include "serving_policy.hpp"

namespace p2pdist::client_room {
namespace {
constexpr std::uint32_t busy_retry_ms = 3000;
}

void serving_policy::deny(time_point now, const serve_request& request, errc why, std::string text, std::uint32_t retry_after_ms) {
    if (parts_->shared.logs(log_level::debug)) {
        parts_->shared.log(log_level::debug, "event=denied peer=" + brief({request.peer, {}, request.from.address}) + " content=" +
                                                 request.content.id.text() + " reason=\"" + text + '"');
    }
    parts_->shared.transfers.deny(now, request.flow, flow_close{why, std::move(text), retry_after_ms});
}

void serving_policy::on_request(time_point now, const serve_request& request) {
    const auto where = parts_->offices.relation_of(request.from.address);
    const bool foreground = request.protocol == transfer_protocol::foreground;
    ++counters_.refused;
    if (!parts_->offices.known()) return deny(now, request, errc::refused, "the topology is not known yet", busy_retry_ms);
    if (!parts_->offices.shares()) return deny(now, request, errc::refused, "clients of a VPN office do not share");
    if (where != relation::office && where != relation::below) {
        return deny(now, request, errc::not_authorised, "content travels within an office and down to child offices only");
    }
    if (foreground != (where == relation::office)) {
        return deny(now, request, errc::refused, "Foreground is for clients of the same office, Background for child offices");
    }
    if (!parts_->member.activated()) return deny(now, request, errc::not_activated, "distribution is not activated", busy_retry_ms);
    --counters_.refused;

    auto& line = foreground ? office_ : children_;
    const auto verdict = line.judge(request, [this](const client_id& left, const client_id& right) { return ranks_before(left, right); });
    if (!verdict.admitted) {
        ++counters_.busy;
        return deny(now, request, errc::limit_reached, "busy with others who come first", busy_retry_ms);
    }
    if (verdict.displaced) {
        ++counters_.displaced;
        parts_->shared.transfers.deny(now, *verdict.displaced, flow_close{errc::limit_reached, "busy with others who come first", busy_retry_ms});
    }
    ++counters_.admitted;
    parts_->shared.transfers.admit(now, request.flow);
}

void serving_policy::on_ended(time_point, const upload_ended& upload) {
    (upload.protocol == transfer_protocol::foreground ? office_ : children_).on_ended(upload);
}

/// Devices whose profile is unknown come last, by id.
bool serving_policy::ranks_before(const client_id& left, const client_id& right) const {
    const auto* first = parts_->peers.find(left);
    const auto* second = parts_->peers.find(right);
    const bool first_known = first && first->profile;
    const bool second_known = second && second->profile;
    if (first_known != second_known) return first_known;
    if (!first_known) return left < right;
    return parts_->shared.order().compare({left, *first->profile}, {right, *second->profile}) == std::weak_ordering::less;
}

}  // namespace p2pdist::client_room
