#include "p2pdist/envelope/envelope.hpp"

#include "envelope_core.hpp"

namespace p2pdist {

envelope::envelope(const crypto_suite& crypto, entropy& random, node_identity self, std::optional<credentials> held, envelope_config config)
    : core_(std::make_unique<core>(crypto, random, std::move(self), std::move(held), config)) {}
envelope::~envelope() = default;
envelope::envelope(envelope&&) noexcept = default;
envelope& envelope::operator=(envelope&&) noexcept = default;

const node_identity& envelope::self() const noexcept { return core_->self; }
const std::optional<credentials>& envelope::held() const noexcept { return core_->held; }
void envelope::set_credentials(credentials held) { core_->set_credentials(std::move(held)); }

list_verdict envelope::take_revocations(byte_span list) { return core_->take_revocations(list); }
const revocation_list& envelope::revocations() const noexcept { return core_->revocations; }
std::vector<client_id> envelope::start_anew() { return core_->start_anew(); }

bool envelope::add_peer(const client_id& peer, const public_key& key) { return core_->add_peer(peer, key); }
bool envelope::knows(const client_id& peer) const noexcept { return core_->peers.find(peer) != nullptr; }
void envelope::forget_peer(const client_id& peer) { core_->forget_peer(peer); }
std::optional<public_key> envelope::key_of(const client_id& peer) const noexcept {
    const auto* known = core_->peers.find(peer);
    return known ? std::optional(known->key) : std::nullopt;
}

send_status envelope::send(time_point now, const client_id& peer, const path& way, frame_type type, byte_span payload) {
    return core_->send(now, peer, way, type, payload);
}
send_status envelope::ensure_session(time_point now, const client_id& peer, const path& way) {
    return core_->ensure_session(now, peer, way);
}
bool envelope::has_session(const client_id& peer) const noexcept { return current_session(peer).has_value(); }
std::optional<session_number> envelope::current_session(const client_id& peer) const noexcept {
    const auto* known = core_->peers.find(peer);
    return known ? known->current : std::nullopt;
}
bool envelope::receives_at(const client_id& peer, const ip_address& address) const noexcept {
    const auto* known = core_->peers.find(peer);
    return known != nullptr && known->proven(address);
}
std::optional<short_key> envelope::flow_key(const client_id& peer, session_number session, std::uint32_t token,
                                            const client_id& flow_receiver) const {
    return core_->flow_key(peer, session, token, flow_receiver);
}

std::optional<opened> envelope::on_datagram(time_point now, wall_time wall, const received_datagram& datagram) {
    return core_->on_datagram(now, wall, datagram);
}
std::optional<envelope_output> envelope::poll() { return core_->poll(); }
time_point envelope::deadline() const noexcept { return core_->deadline(); }
void envelope::on_timer(time_point now) { core_->on_timer(now); }

const envelope_counters& envelope::counters() const noexcept { return core_->counters; }
std::size_t envelope::peer_count() const noexcept { return core_->peers.size(); }
std::size_t envelope::session_count(const client_id& peer) const noexcept {
    const auto* known = core_->peers.find(peer);
    return known ? known->sessions.size() : 0;
}

}  // namespace p2pdist
