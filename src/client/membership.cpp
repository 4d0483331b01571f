#include "membership.hpp"

#include <algorithm>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/base/version.hpp"
#include "p2pdist/office/spreadsheet.hpp"
#include "p2pdist/ranking/step_settings.hpp"

namespace p2pdist::client_room {
namespace {

constexpr duration first_pause = std::chrono::seconds(1);
constexpr duration longest_pause = std::chrono::seconds(60);
constexpr duration interval_min = std::chrono::seconds(1);
constexpr duration interval_max = std::chrono::hours(1);
constexpr std::int64_t renew_before_s = 2 * 24 * 3600;  // a certificate is renewed two days before it ends
constexpr duration enrolment_patience = std::chrono::seconds(5);  // a server that is there has answered by then
constexpr int failures_before_enrolment = 3;            // a server of another key epoch, or set up anew, stays silent to us

std::optional<topology> read_topology(const std::string& spreadsheet) {
    if (spreadsheet.empty()) return std::nullopt;
    auto parsed = parse_spreadsheet(spreadsheet);
    if (!parsed) return std::nullopt;
    return *parsed;
}

}  // namespace

membership::membership(node& shared, office_view& offices, hooks called)
    : node_(&shared), offices_(&offices), hooks_(std::move(called)), requests_(shared), pause_(first_pause, longest_pause) {}

void membership::start(time_point now) {
    if (node_->config.servers.empty()) {
        notice_once(log_level::error, "no server is configured: give its address with --server");
        return;
    }
    if (node_->config.saved_credentials) {
        if (const auto kept = decode_saved_state(*node_->config.saved_credentials)) {
            adopt(*kept);
            offices_->set_topology(read_topology(kept->topology));
            send_registration(now);
            return;
        }
        node_->notice(log_level::warning, "the saved credentials cannot be read; enrolling again");
    }
    enrol(now);
}

message_peer membership::server() const {
    return {server_id_, role::server, node_->config.servers[server_index_ % node_->config.servers.size()]};
}

peer_info membership::server_info() const { return {server_id_, saved_ ? saved_->server.key : public_key{}, server().address}; }

const std::string* membership::setting(const std::string& key) const {
    const auto found = settings_.find(key);
    return found == settings_.end() ? nullptr : &found->second;
}

std::string membership::obstacle() const {
    if (!enrolled()) return last_notice_.empty() ? "this client is not enrolled yet" : last_notice_;
    if (activated() && offices_->known()) return {};
    if (!registered_) return last_notice_.empty() ? "the server has not answered yet" : last_notice_;
    if (!activated()) return "the server has not activated distribution yet";
    return "the topology has not arrived yet";
}

std::string membership::problem() const { return server_reachable() ? std::string() : last_notice_; }

// ---- enrolment

void membership::enrol(time_point now) {
    if (node_->config.enrolment == secret_key{}) {
        phase_ = phase::idle;
        next_ = never;
        notice_once(log_level::error, "this client is not enrolled and has no enrolment key: give one with --enrolment-key-file");
        return;
    }
    registered_ = reachable_ = false;
    requests_.forget();
    beating_ = topology_asked_ = settings_asked_ = false;
    const auto& ports = node_->config.ports;
    const auto& address = node_->config.servers[server_index_ % node_->config.servers.size()];
    enrolment_client_config config;
    config.enrolment_key = node_->config.enrolment;
    config.way = path{ports[port_use::client_small_out], endpoint{address, ports[port_use::server_small_in]}};
    config.client_info = encode_body(self_description());
    if (config.client_info.size() > limits::enrolment_opaque_bytes_max) {
        auto shorter = self_description();
        shorter.host_name.clear();
        config.client_info = encode_body(shorter);
    }
    node_->log(log_level::info, "event=enrolling server=" + address.to_string());
    enrolment_.emplace(*node_->crypto, *node_->random_bytes, node_->self, std::move(config));
    enrolment_->start(now);
    phase_ = phase::enrolling;
    next_ = now + enrolment_patience;
}

void membership::on_enrolment_datagram(time_point now, const received_datagram& datagram) {
    if (!enrolment_) return;
    enrolment_->on_datagram(now, node_->wall, datagram);
    enrolment_ended(now);
}

void membership::enrolment_ended(time_point now) {
    if (!enrolment_ || !enrolment_->outcome()) return;
    const auto outcome = *enrolment_->outcome();
    enrolment_.reset();
    if (!outcome) {
        tell_enrolment_trouble(outcome.error());
        ++server_index_;
        rest(now, saved_ && !ends_soon() ? phase::registering : phase::enrolling);
        return;
    }
    const auto& grant = *outcome;
    saved_state fresh{grant.held, grant.server, activated(), saved_ ? saved_->topology : std::string()};
    adopt(fresh);
    pause_.reset();
    last_notice_.clear();
    node_->notice(log_level::info, "enrolled as " + node_->self.id.to_string());
    keep();
    send_registration(now);
}

/// In the same words while it goes on and when it has failed, so that a series of attempts says it once.
void membership::tell_enrolment_trouble(const error& why) {
    const auto& ports = node_->config.ports;
    const auto where = server().address.to_string();
    if (why.code == errc::timed_out) {
        notice_once(log_level::warning, "no answer to the enrolment from " + where + ": wrong enrolment key, wrong address, or UDP " +
                                            std::to_string(ports[port_use::server_small_in]) + " blocked");
    } else if (why.code == errc::not_authorised) {
        notice_once(log_level::warning, "enrolment failed: the server at " + where + " has another enrolment key: put its present one into "
                                        "the file given with --enrolment-key-file");
    } else {
        notice_once(log_level::error, "enrolment failed: " + why.message);
    }
}

void membership::adopt(const saved_state& state) {
    saved_ = state;
    server_id_ = id_of(*node_->crypto, state.server.key);
    node_->seal.set_credentials(state.held);
    (void)node_->seal.add_peer(server_id_, state.server.key);
}

void membership::keep() {
    if (saved_) node_->emit(client_event{client_enrolled{node_->self.id, encode(*saved_)}});
}

/// Enrols again for a newer epoch or a lost membership, if there is a key for it.
bool membership::renew(time_point now, const std::string& why) {
    if (node_->config.enrolment == secret_key{}) {
        notice_once(log_level::error, why + "; there is no enrolment key to enrol again with: give one with --enrolment-key-file");
        return false;
    }
    if (phase_ == phase::enrolling) return true;
    node_->notice(log_level::info, why + "; enrolling again");
    enrol(now);
    return true;
}

void membership::on_newer_epoch(time_point now) { (void)renew(now, "the organisation's keys have changed"); }

void membership::on_version_mismatch(const version_mismatch& what) {
    if (what.peer != server_id_) return;
    notice_once(log_level::error, version_error("this client", {}, "the server", what.theirs).message);
}

// ---- registration

register_request membership::self_description() const {
    const auto& config = node_->config;
    return {config.profile, config.address, config.prefix_bits, config.host_name, std::string(software_version())};
}

void membership::register_again(time_point now) {
    if (phase_ == phase::registered || (phase_ == phase::resting && after_rest_ == phase::registering)) {
        requests_.forget();
        beating_ = topology_asked_ = settings_asked_ = false;
        send_registration(now);
    }
}

void membership::send_registration(time_point now) {
    if (ends_soon() && renew(now, "this client's certificate ends soon")) return;
    phase_ = phase::registering;
    next_ = never;
    requests_.ask(now, server(), self_description(), [this](time_point at, const answer& got) { on_registration(at, got); });
}

void membership::on_registration(time_point now, const answer& got) {
    const auto* reply = got.as<register_reply>();
    if (!reply) {
        const auto why = got.failure ? *got.failure : error{errc::malformed, "the server's answer was not understood"};
        if (got.reached && why.code == errc::not_authorised && renew(now, "the server does not know this client any more")) return;
        if (got.reached) {
            notice_once(log_level::error, "the server refused this client: " + why.message);
        } else {
            lost_server(now, why.message);
        }
        rest(now, in_vain() ? phase::enrolling : phase::registering);
        return;
    }
    failures_ = 0;
    const bool first = !registered_;
    const bool moved = office_ != reply->office;
    registered_ = reachable_ = true;
    office_ = reply->office;
    interval_ = std::clamp<duration>(std::chrono::milliseconds(reply->heartbeat_interval_ms), interval_min, interval_max);
    pause_.reset();
    last_notice_.clear();
    topology_version_.reset();
    settings_version_.reset();
    contents_version_ = reply->versions.contents;   // the complete list follows a registration anyway
    phase_ = phase::registered;
    next_ = now + node_->jitter.jittered(interval_, 0.1);
    node_->log(log_level::info, "event=registered server=" + server().address.to_string() + " office=\"" + office_ + '"');
    const bool was_activated = activated();
    heed(now, reply->versions);
    if (first || moved || was_activated != activated()) node_->emit(client_event{client_registered{office_, activated()}});
    if (hooks_.registered) hooks_.registered(now);
}

/// Without an enrolment key it is used to its end.
bool membership::ends_soon() const { return saved_ && saved_->held.own.not_after.seconds - node_->wall.seconds < renew_before_s; }

/// Whether it is time to try enrolment instead, after another failure. If the server is merely away, that fails too and harms nothing.
bool membership::in_vain() { return ++failures_ % failures_before_enrolment == 0 && node_->config.enrolment != secret_key{}; }

// ---- heartbeats

void membership::send_heartbeat(time_point now) {
    if (beating_) return;
    if (ends_soon() && renew(now, "this client's certificate ends soon")) return;
    beating_ = true;
    requests_.ask(now, server(), heartbeat{node_->config.profile}, [this](time_point at, const answer& got) { on_heartbeat(at, got); });
}

void membership::on_heartbeat(time_point now, const answer& got) {
    beating_ = false;
    const auto* reply = got.as<heartbeat_reply>();
    if (!reply) {
        const auto why = got.failure ? *got.failure : error{errc::malformed, "the server's answer was not understood"};
        if (got.reached && why.code == errc::not_authorised) {
            send_registration(now);
            return;
        }
        lost_server(now, why.message);
        if (in_vain()) {
            rest(now, phase::enrolling);
        } else {
            next_ = now + std::min<duration>(pause_.next(node_->jitter), interval_);
        }
        return;
    }
    const bool back = !reachable_;
    reachable_ = true;
    failures_ = 0;
    pause_.reset();
    next_ = now + node_->jitter.jittered(interval_, 0.1);
    if (!reply->known) {
        send_registration(now);
        return;
    }
    if (back) {
        last_notice_.clear();
        node_->notice(log_level::info, "the server at " + server().address.to_string() + " is back");
        if (hooks_.state_changed) hooks_.state_changed(now);
    }
    heed(now, reply->versions);
}

void membership::lost_server(time_point now, const std::string& why) {
    const bool news = reachable_;
    reachable_ = false;
    notice_once(log_level::warning, "the server at " + server().address.to_string() + " cannot be reached (" + why +
                                        "): check that it runs and that its UDP ports are open");
    ++server_index_;
    if (news && hooks_.state_changed) hooks_.state_changed(now);
}

void membership::rest(time_point now, phase then) {
    phase_ = phase::resting;
    after_rest_ = then;
    next_ = now + pause_.next(node_->jitter);
}

// ---- what changed

void membership::on_state_changed(time_point now, const state_versions& versions) {
    if (phase_ == phase::registered) heed(now, versions);
}

void membership::heed(time_point now, const state_versions& versions) {
    if (versions.key_epoch != 0 && saved_ && versions.key_epoch != saved_->held.key_epoch) {
        if (renew(now, "the organisation's keys have changed")) return;
    }
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

// ---- time

void membership::notice_once(log_level level, const std::string& text) {
    if (text == last_notice_) return;
    last_notice_ = text;
    node_->notice(level, text);
}

void membership::on_timer(time_point now) {
    if (enrolment_ && enrolment_->deadline() <= now) {
        enrolment_->on_timer(now);
        enrolment_ended(now);
    }
    if (next_ > now) return;
    next_ = never;
    if (phase_ == phase::registered) {
        send_heartbeat(now);
    } else if (phase_ == phase::enrolling && enrolment_) {
        tell_enrolment_trouble(enrolment_->suspicion());
    } else if (phase_ == phase::resting) {
        if (after_rest_ == phase::enrolling || !saved_) {
            enrol(now);
        } else {
            send_registration(now);
        }
    }
}

time_point membership::deadline() const { return enrolment_ ? std::min(next_, enrolment_->deadline()) : next_; }

std::optional<send_datagram> membership::poll() { return enrolment_ ? enrolment_->poll() : std::nullopt; }

}  // namespace p2pdist::client_room
