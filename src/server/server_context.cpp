#include "server_context.hpp"

#include <algorithm>

namespace p2pdist {
namespace {
constexpr duration growth_delay = std::chrono::seconds(2);
}

std::string describe(const restoration& what) {
    return "the database was restored from an older state: " + std::to_string(what.revocations) + " revocations and key epoch " +
           std::to_string(what.key_epoch) +
           " were taken over from what clients had kept; all else that was changed since that state is lost: publish and set it again, "
           "reinstate again who was, and revoke again who was revoked long before the loss ('clients' shows who is)";
}

void server_context::change(time_point now, reply_function reply, planner plan, std::function<void(time_point now)> then) {
    auto begin = [this, reply, plan = std::move(plan), then = std::move(then)](time_point at, std::function<void(time_point)> done) {
        auto planned = plan(at);
        if (planned.empty()) return done(at);
        commits.submit(at, std::move(planned), [reply, then, done](time_point later, const result<void>& outcome) {
            if (outcome) {
                then(later);
            } else {
                reply(later, to_reply(outcome.error()));
            }
            done(later);
        });
    };
    if (!changes.add(now, std::move(begin)))
        reply(now, error_reply{errc::limit_reached, "too many changes wait for the database; try again in a minute"});
}

void server_context::note_growth(time_point now) {
    if (state.topology.may_be_outgrown()) growth_at_ = std::min(growth_at_, next_growth(now));
}

time_point server_context::next_growth(time_point now) const {
    return std::max(now + growth_delay, growth_paid_ - (growth_burst - 1) * growth_interval);
}

void server_context::on_growth_timer(time_point now) {
    if (now < growth_at_) return;
    growth_at_ = never;
    const auto nobody = [this](time_point at, const message_body&) { growth_at_ = at + growth_delay; };  // the commit failed: try again
    change(
        now, nobody,
        [this](time_point) -> std::vector<catalogue_change> {
            const auto grown = state.topology.outgrown();
            if (!grown) return {};
            auto versions = state.versions;
            versions.topology = grown->version;
            return {put_topology{*grown}, put_versions{versions}};
        },
        [this](time_point at) {
            growth_paid_ = std::max(growth_paid_, at) + growth_interval;
            const std::string which = state.topology.record().imported ? "the imported topology can be read again: it has " : "the detected topology has ";
            tell(server_event::kind::topology_changed, which + std::to_string(state.offices().size()) + " offices");
            push(at);
        });
}

}  // namespace p2pdist
