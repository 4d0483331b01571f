// What the server says has changed, and what of it a member keeps: activation, topology, settings, certificates, revocations.

#include "membership.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/envelope/revocation_list.hpp"
#include "p2pdist/ranking/step_settings.hpp"
#include "topology_text.hpp"

namespace p2pdist::client_room {

// ---- what changed

void membership::on_state_changed(time_point now, const state_versions& versions) {
    if (phase_ == phase::registered) heed(now, versions);
}

void membership::heed(time_point now, const state_versions& versions) {
    papers_.on_server_reached(now);
    papers_.on_epoch(now, versions.key_epoch);
    papers_.on_list_heard(now, server(), versions.revocations);
    bool changed = false;
    if (saved_ && versions.activated != saved_->activated) {
        saved_->activated = versions.activated;
        node_->notice(log_level::info, versions.activated ? "distribution is activated" : "distribution is not activated any more");
        if (phase_ == phase::registered) node_->emit(client_event{client_registered{office_, versions.activated}});
        keep();
        changed = true;
    }
    if (phase_ == phase::registered && contents_version_ != versions.contents) {
        contents_version_ = versions.contents;
        if (hooks_.contents_changed) hooks_.contents_changed(now);
    }
    if (topology_version_ != versions.topology) ask_topology(now);
    if (settings_version_ != versions.settings) ask_settings(now);
    if (changed && hooks_.state_changed) hooks_.state_changed(now);
}

void membership::ask_topology(time_point now) {
    if (topology_asked_) return;
    topology_asked_ = true;
    requests_.ask(now, server(), topology_request{}, [this](time_point at, const answer& got) {
        topology_asked_ = false;
        const auto* view = got.as<topology_view>();
        if (!view) {
            node_->log(log_level::warning, "event=no_topology reason=\"" + (got.failure ? got.failure->message : std::string("?")) + '"');
            return;  // the next heartbeat asks again
        }
        topology_version_ = view->version;
        auto offices = read_topology(view->spreadsheet);
        if (!offices && !view->spreadsheet.empty()) {
            node_->notice(log_level::error, "the server's topology cannot be read; the last good one stays in use");
            return;
        }
        offices_->set_topology(std::move(offices));
        node_->log(log_level::info, "event=topology version=" + std::to_string(view->version) + " office=\"" + offices_->office() + '"');
        if (saved_ && saved_->topology != view->spreadsheet) {
            saved_->topology = view->spreadsheet;
            keep();
        }
        if (offices_->office() != office_) {
            office_ = offices_->office();
            node_->emit(client_event{client_registered{office_, activated()}});
        }
        if (hooks_.state_changed) hooks_.state_changed(at);
    });
}

void membership::ask_settings(time_point now) {
    if (settings_asked_) return;
    settings_asked_ = true;
    requests_.ask(now, server(), settings_request{}, [this](time_point at, const answer& got) {
        settings_asked_ = false;
        const auto* reply = got.as<settings_reply>();
        if (!reply) return;
        settings_version_ = reply->version;
        settings_.clear();
        for (const auto& [key, value] : reply->settings) {
            if (settings_.size() < limits::client_settings_max) settings_.insert_or_assign(key, value);
        }
        node_->set_steps(steps_from_settings([this](std::string_view key) { return setting(std::string(key)); }));
        if (hooks_.state_changed) hooks_.state_changed(at);
    });
}

// ---- membership

papers::hooks membership::paper_hooks() {
    return {[this] { return server(); },
            [this] { return saved_ ? saved_->server.key : public_key{}; },
            [this](time_point now, const enrolment_grant& grant) { on_renewed(now, grant); },
            [this](time_point now, const std::string& why) {
                if (papers_.behind() || expired()) (void)enrol_again(now, "this client's certificate could not be renewed (" + why + ")");
            },
            [this](time_point now) {
                if (!saved_) return;
                saved_->revocations = encode(node_->seal.revocations());
                keep();
                if (is_revoked(node_->seal.revocations(), node_->self.id)) on_revoked(now);
            },
            [this](time_point now) { on_revoked(now); }};
}

void membership::on_renewed(time_point now, const enrolment_grant& grant) {
    auto fresh = *saved_;
    fresh.held = grant.held;
    fresh.server = grant.server;
    adopt(fresh);
    papers_.adopted(true);
    keep();
    node_->log(log_level::info, "event=renewed key_epoch=" + std::to_string(grant.held.key_epoch));
    if (phase_ == phase::resting && after_rest_ == phase::registering) send_registration(now);
}

void membership::tell_revoked() { notice_once(log_level::error, std::string(revoked_text)); }

/// The server has said so under its own key, or in a list that it signed.
void membership::on_revoked(time_point now) {
    const bool news = saved_ && !saved_->revoked;
    if (news) {
        saved_->revoked = true;
        keep();
    }
    registered_ = reachable_ = false;
    requests_.forget();
    beating_ = topology_asked_ = settings_asked_ = false;
    tell_revoked();
    rest(now, phase::registering);  // it may be reinstated
    if (news && hooks_.revoked) hooks_.revoked(now);
}

void membership::on_let_in(time_point now) {
    if (!revoked()) return;
    saved_->revoked = false;
    keep();
    node_->notice(log_level::info, "this client was reinstated");
    if (hooks_.state_changed) hooks_.state_changed(now);
}

void membership::on_resumed(time_point now) {
    papers_.forget_requests();
    if (phase_ == phase::enrolling) return enrol(now);  // with fresh keys
    register_again(now);
}

}  // namespace p2pdist::client_room
