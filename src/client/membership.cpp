#include "membership.hpp"

#include <algorithm>
#include <utility>

#include "p2pdist/base/canary.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/base/version.hpp"
#include "topology_text.hpp"

namespace p2pdist::client_room {
namespace {

constexpr duration first_pause = std::chrono::seconds(1);
constexpr duration longest_pause = std::chrono::seconds(60);
constexpr duration interval_min = std::chrono::seconds(1);
constexpr duration interval_max = std::chrono::hours(1);
constexpr duration enrolment_patience = std::chrono::seconds(5);  // a server that is there has answered by then
constexpr int failures_before_enrolment = 3;            // a server of another key epoch, or set up anew, stays silent to us

}  // namespace

membership::membership(node& shared, office_view& offices, hooks called)
    : node_(&shared), offices_(&offices), hooks_(std::move(called)), requests_(shared), papers_(shared, paper_hooks()), pause_(first_pause, longest_pause) {}

void membership::start(time_point now) {
    if (node_->config.servers.empty()) {
        notice_once(log_level::error, "no server is configured: give its address with --server");
        return;
    }
    if (node_->config.saved_credentials) {
        if (const auto kept = decode_saved_state(*node_->config.saved_credentials)) {
            adopt(*kept);
            papers_.adopted(false);
            if (!kept->revocations.empty()) (void)node_->seal.take_revocations(kept->revocations);
            if (revoked()) tell_revoked();
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
    if (revoked()) return std::string(revoked_text);
    if (!enrolled()) return last_notice_.empty() ? "this client is not enrolled yet" : last_notice_;
    if (activated() && offices_->known()) return {};
    if (!registered_) return last_notice_.empty() ? "the server has not answered yet" : last_notice_;
    if (!activated()) return "the server has not activated distribution yet";
    return "the topology has not arrived yet";
}

std::string membership::problem() const {
    if (revoked()) return std::string(revoked_text);
    return server_reachable() ? std::string() : last_notice_;
}

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
    config.versions = versions_between(node_->config.protocol_oldest, node_->config.protocol_newest);
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
        rest(now, saved_ && !expired() ? phase::registering : phase::enrolling);
        return;
    }
    const auto& grant = *outcome;
    if (saved_ && grant.held.signing_key != saved_->held.signing_key && saved_->enrolment == enrolment_print()) {
        notice_once(log_level::error, "at " + server().address.to_string() + " there is another server than this client's own, with the same "
                                          "enrolment key: it is not joined. Of a server that was set up anew give its new key with "
                                          "--enrolment-key-file; if this is that key already, rotate it at that server "
                                          "(p2pdist-server key rotate --enrolment) and give the one that follows");
        ++server_index_;
        return rest(now, phase::registering);
    }
    auto fresh = saved_.value_or(saved_state{});
    fresh.held = grant.held;
    fresh.server = grant.server;
    fresh.enrolment = enrolment_print();
    adopt(fresh);
    papers_.adopted(true);
    enrolled_lately_ = true;
    pause_.reset();
    last_notice_.clear();
    node_->notice(log_level::info, "enrolled as " + node_->self.id.to_string());
    keep();
    send_registration(now);
}

/// Every member has the enrolment key, so that one of them can pose as a server to who asks for enrolment. A member that hears nothing of its
/// own server asks for it, since the server may have been set up anew; then it has another key. Where the print is not known (an older program
/// kept none, or this client had no key) any server with the key is joined, as by that program, until the own one has answered once: to refuse
/// instead would keep out for good whoever got this program together with a new server and its key.
digest membership::enrolment_print() const { return node_->crypto->sha256({node_->config.enrolment}); }

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
    // Under a session of the old certificate the server would go on to take us for outdated.
    node_->seal.forget_peer(server_id_);
    (void)node_->seal.add_peer(server_id_, state.server.key);
}

void membership::keep() {
    if (saved_) node_->emit(client_event{client_enrolled{node_->self.id, encode(*saved_)}});
}

/// For a lost membership, or a certificate that could not be renewed; if there is a key for it.
bool membership::enrol_again(time_point now, const std::string& why) {
    if (node_->config.enrolment == secret_key{}) {
        notice_once(log_level::error, why + "; there is no enrolment key to enrol again with: give one with --enrolment-key-file");
        return false;
    }
    if (phase_ == phase::enrolling) return true;
    node_->notice(log_level::info, why + "; enrolling again");
    enrol(now);
    return true;
}

void membership::on_version_mismatch(const version_mismatch& what) {
    if (what.peer != server_id_) return;
    notice_once(log_level::error, version_error("this client", {}, "the server", what.theirs).message);
}

// ---- registration

register_request membership::self_description() const {
    const auto& config = node_->config;
    return {config.profile, config.address, config.prefix_bits, config.host_name, std::string(software_version()), papers_.held()};
}

void membership::register_again(time_point now) {
    // Also where it asks already: what it said of itself does not hold any more.
    const bool registers = phase_ == phase::registering || (phase_ == phase::resting && after_rest_ == phase::registering);
    if (phase_ == phase::registered || registers) {
        requests_.forget();
        beating_ = topology_asked_ = settings_asked_ = false;
        send_registration(now);
    }
}

void membership::send_registration(time_point now) {
    if (expired() && enrol_again(now, "this client's certificate is past its date")) return;
    phase_ = phase::registering;
    next_ = never;
    requests_.ask(now, server(), self_description(), [this](time_point at, const answer& got) { on_registration(at, got); });
}

void membership::on_registration(time_point now, const answer& got) {
    const auto* reply = got.as<register_reply>();
    if (!reply) {
        const auto why = got.failure ? *got.failure : error{errc::malformed, "the server's answer was not understood"};
        if (got.reached && why.code == errc::revoked) return on_revoked(now);
        if (got.reached && why.code == errc::not_authorised && papers_.behind()) {
            papers_.renew(now);  // the registration follows
            return rest(now, phase::registering);
        }
        // Once is enough, should the server go on to refuse what it has granted.
        const bool in_turn = !std::exchange(enrolled_lately_, false);
        if (got.reached && why.code == errc::not_authorised && in_turn && enrol_again(now, "the server does not know this client any more")) return;
        if (got.reached) {
            notice_once(log_level::error, "the server refused this client: " + why.message);
        } else {
            lost_server(now, why.message);
        }
        rest(now, in_vain() ? phase::enrolling : phase::registering);
        return;
    }
    failures_ = 0;
    enrolled_lately_ = false;
    on_let_in(now);
    const bool first = !registered_;
    const bool moved = office_ != reply->office;
    registered_ = reachable_ = true;
    office_ = reply->office;
    interval_ = std::clamp<duration>(std::chrono::milliseconds(reply->heartbeat_interval_ms), interval_min, interval_max);
    if (sings(canary::chatty)) interval_ = std::chrono::milliseconds(200);
    pause_.reset();
    last_notice_.clear();
    topology_version_.reset();
    settings_version_.reset();
    contents_version_ = reply->versions.contents;   // the complete list follows a registration anyway
    phase_ = phase::registered;
    next_ = now + node_->jitter.jittered(interval_, 0.1);
    node_->log(log_level::info, "event=registered server=" + server().address.to_string() + " office=\"" + office_ + '"');
    if (node_->config.enrolment != secret_key{} && saved_->enrolment != enrolment_print()) {   // it was rotated
        saved_->enrolment = enrolment_print();
        keep();
    }
    const bool was_activated = activated();
    heed(now, reply->versions);
    if (first || moved || was_activated != activated()) node_->emit(client_event{client_registered{office_, activated()}});
    if (hooks_.registered) hooks_.registered(now);
}

bool membership::expired() const { return saved_ && saved_->held.own.not_after.seconds < node_->wall.seconds; }

/// Whether it is time to try enrolment instead, after another failure. If the server is merely away, that fails too and harms nothing.
bool membership::in_vain() { return ++failures_ % failures_before_enrolment == 0 && node_->config.enrolment != secret_key{}; }

// ---- heartbeats

void membership::send_heartbeat(time_point now) {
    if (beating_) return;
    if (expired() && enrol_again(now, "this client's certificate is past its date")) return;
    beating_ = true;
    requests_.ask(now, server(), heartbeat{node_->config.profile, papers_.held()},
                  [this](time_point at, const answer& got) { on_heartbeat(at, got); });
}

void membership::on_heartbeat(time_point now, const answer& got) {
    beating_ = false;
    const auto* reply = got.as<heartbeat_reply>();
    if (!reply) {
        const auto why = got.failure ? *got.failure : error{errc::malformed, "the server's answer was not understood"};
        if (got.reached && why.code == errc::revoked) return on_revoked(now);
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
    papers_.on_timer(now);
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

time_point membership::deadline() const {
    return std::min({next_, papers_.deadline(), enrolment_ ? enrolment_->deadline() : never});
}

std::optional<send_datagram> membership::poll() { return enrolment_ ? enrolment_->poll() : std::nullopt; }

}  // namespace p2pdist::client_room
