#include "serving_policy.hpp"

namespace p2pdist::client_room {
namespace {
constexpr std::uint32_t busy_retry_ms = 3000;
}

void serving_policy::deny(time_point now, const serve_request& request, flow_close why) {
    if (parts_->shared.logs(log_level::debug)) {
        parts_->shared.log(log_level::debug, "event=denied peer=" + brief({request.peer, {}, request.from.address}) + " content=" +
                                                 request.content.id.text() + " reason=\"" + why.text + '"');
    }
    parts_->shared.transfers.deny(now, request.flow, std::move(why));
}

/// Nothing: it may be served where it stands. An honest one may have another topology than this client for some seconds, and is asked to come
/// back, so that it takes nobody for a liar.
std::optional<flow_close> serving_policy::objection(const ip_address& to, transfer_protocol protocol) const {
    const auto where = parts_->offices.relation_of(to);
    const bool foreground = protocol == transfer_protocol::foreground;
    if (!parts_->offices.known()) return flow_close{errc::refused, "the topology is not known yet", busy_retry_ms};
    if (!parts_->offices.shares()) return flow_close{errc::refused, "clients of a VPN office do not share", 0};
    if (where != relation::office && where != relation::below) {
        return flow_close{errc::not_authorised, "content travels within an office and down to child offices only", busy_retry_ms};
    }
    if (foreground != (where == relation::office)) {
        return flow_close{errc::refused, "Foreground is for clients of the same office, Background for child offices", busy_retry_ms};
    }
    return std::nullopt;
}

void serving_policy::on_request(time_point now, const serve_request& request) {
    ++counters_.refused;
    if (auto why = objection(request.from.address, request.protocol)) return deny(now, request, std::move(*why));
    if (!parts_->member.activated()) return deny(now, request, {errc::not_activated, "distribution is not activated", busy_retry_ms});
    --counters_.refused;

    auto& line = request.protocol == transfer_protocol::foreground ? office_ : children_;
    const auto verdict = line.judge(request, [this](const client_id& left, const client_id& right) { return ranks_before(left, right); });
    if (!verdict.admitted) {
        ++counters_.busy;
        return deny(now, request, {errc::limit_reached, "busy with others who come first", busy_retry_ms});
    }
    if (verdict.displaced) {
        ++counters_.displaced;
        parts_->shared.transfers.deny(now, *verdict.displaced, flow_close{errc::limit_reached, "busy with others who come first", busy_retry_ms});
    }
    ++counters_.admitted;
    served_[request.flow] = {request.from.address, request.protocol};
    parts_->shared.transfers.admit(now, request.flow);
}

/// Who was of this office may be behind a WAN now, where Foreground would yield to nobody; or not below this client any more. As long as no
/// topology is known nothing speaks against them.
void serving_policy::on_state_changed(time_point now) {
    if (!parts_->offices.known()) return;
    for (const auto& [flow, to] : served_) {
        const auto why = objection(to.address, to.protocol);
        if (why) parts_->shared.transfers.deny(now, flow, flow_close{errc::cancelled, why->text, 0});
    }
}

void serving_policy::on_ended(time_point, const upload_ended& upload) {
    served_.erase(upload.flow);
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
