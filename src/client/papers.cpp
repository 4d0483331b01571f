#include "papers.hpp"

#include <algorithm>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/envelope/revocation_list.hpp"

namespace p2pdist::client_room {
namespace {

constexpr std::int64_t day_s = 24 * 3600;
constexpr std::int64_t spare_min_s = 3 * day_s;      // a certificate is renewed three to nine days before it ends,
constexpr std::int64_t spare_spread_s = 6 * day_s;   // so that devices that were installed together don't come together
constexpr duration haste = std::chrono::seconds(5);  // where the own epoch is not accepted any more
constexpr duration first_renewal_pause = std::chrono::seconds(5);
constexpr duration longest_renewal_pause = std::chrono::minutes(10);

message_options list_options() {
    message_options out;
    out.attempts_max = 3;
    out.answer_timeout = std::chrono::seconds(10);
    return out;
}

}  // namespace

papers::papers(node& shared, hooks called)
    : node_(&shared), hooks_(std::move(called)), requests_(shared), pause_(first_renewal_pause, longest_renewal_pause) {
    spare_s_ = spare_min_s + static_cast<std::int64_t>(node_->jitter.below(static_cast<std::uint64_t>(spare_spread_s)));
}

void papers::adopted(bool fresh) {
    if (!fresh) return;
    // Where lifetimes are short, between a half and a quarter of it is left.
    const auto lifetime = node_->seal.held()->own.not_after.seconds - node_->wall.seconds;
    const auto quarter = lifetime / 4;
    const auto most = quarter + static_cast<std::int64_t>(node_->jitter.below(static_cast<std::uint64_t>(std::max<std::int64_t>(quarter, 1))));
    spare_s_ = std::min(spare_s_, most);
    pause_.reset();
    renew_at_ = never;
    newest_epoch_ = node_->seal.held()->key_epoch;  // the server's word, also where it was set back
}

bool papers::behind() const { return node_->seal.held() && newest_epoch_ > node_->seal.held()->key_epoch; }

bool papers::ends_soon() const { return node_->seal.held()->own.not_after.seconds - node_->wall.seconds < spare_s_; }

void papers::on_epoch(time_point now, std::uint16_t epoch) {
    newest_epoch_ = std::max(newest_epoch_, epoch);
    if (!behind() || asked_) return;
    const auto own = node_->seal.held()->key_epoch;
    // Only two epochs are ever accepted. Within the grace there is time: the whole organisation hears of an epoch in one minute.
    const bool accepted = own >= node_->seal.revocations().oldest_epoch && own + 1 >= newest_epoch_;
    if (!accepted) return renew_soon(now);
    if (renew_at_ == never) schedule(now + some_of(limits::renewal_spread));  // else its turn is drawn already
}

void papers::renew_soon(time_point now) {
    if (!asked_) schedule(now + some_of(haste));
}

duration papers::some_of(duration most) {
    return duration(static_cast<duration::rep>(node_->jitter.below(static_cast<std::uint64_t>(most.count()))));
}

void papers::on_server_reached(time_point now) {
    if (ends_soon() && !asked_ && renew_at_ == never) schedule(now);
}

// ---- renewal

void papers::renew(time_point now) {
    renew_at_ = never;
    if (asked_ || !node_->seal.held()) return;
    asked_.emplace(*node_->crypto, *node_->random_bytes);
    node_->log(log_level::info, "event=renewing");
    requests_.ask(now, hooks_.server(), renew_request{asked_->ephemeral()}, [this](time_point at, const answer& got) { on_renewal(at, got); });
}

void papers::on_renewal(time_point now, const answer& got) {
    const auto exchange = std::exchange(asked_, std::nullopt);
    const auto* reply = got.as<renew_reply>();
    if (reply && exchange) {
        const auto grant = exchange->open(node_->self, *node_->seal.held(), hooks_.server_key(), node_->wall, reply->sealed);
        if (grant) return hooks_.renewed(now, *grant);
        node_->log(log_level::warning, "event=renewal_failed reason=\"" + grant.error().message + '"');
        return hooks_.cannot_renew(now, grant.error().message);
    }
    const auto why = got.failure ? *got.failure : error{errc::malformed, "the server's answer was not understood"};
    node_->log(log_level::info, "event=renewal_failed reason=\"" + why.message + '"');
    if (got.reached && why.code == errc::revoked) return hooks_.revoked(now);
    schedule(now + pause_.next(node_->jitter));
    if (got.reached && why.code != errc::limit_reached) hooks_.cannot_renew(now, why.message);
}

// ---- revocation lists

held_list papers::held() const {
    const auto& list = node_->seal.revocations();
    return {list.number, list.oldest_epoch};
}

void papers::on_list_heard(time_point now, const message_peer& from, std::uint64_t number) {
    const bool of_server = from.as == role::server;
    if (number <= node_->seal.revocations().number || !node_->seal.held()) return;
    if (of_server ? list_of_server_asked_ : !may_ask(now, from.id)) return;
    if (of_server) list_of_server_asked_ = true;
    else peers_asked_[from.id] = now;
    requests_.ask(
        now, from, revocations_request{held()},
        [this, of_server, number, id = from.id](time_point at, const answer& got) {
            if (of_server) list_of_server_asked_ = false;
            else peers_asked_.erase(id);
            if (on_list(at, id, number, got) && !of_server) peer_paused_until_.erase(id);
        },
        list_options());
}

/// A number is anybody's word. Who claims one and has no such list must not take the place of those who have it.
bool papers::may_ask(time_point now, const client_id& peer) {
    std::erase_if(peer_paused_until_, [now](const auto& entry) { return entry.second <= now; });
    const auto waits = [now](const auto& entry) { return now - entry.second < limits::list_peer_turn; };   // later it stands in nobody's way
    const auto waiting = static_cast<std::size_t>(std::ranges::count_if(peers_asked_, waits));
    if (waiting >= limits::list_peers_asked_max || peers_asked_.contains(peer) || peer_paused_until_.contains(peer)) return false;
    if (peer_paused_until_.size() >= limits::list_peers_kept_max) {
        peer_paused_until_.erase(std::ranges::min_element(peer_paused_until_, {}, [](const auto& entry) { return entry.second; }));
    }
    peer_paused_until_[peer] = now + limits::list_peer_pause;
    return true;
}

/// Whether it gave the list that it said it had.
bool papers::on_list(time_point now, const client_id& from, std::uint64_t number, const answer& got) {
    if (got.reached && got.failure && got.failure->code == errc::revoked && from == hooks_.server().id) {
        hooks_.revoked(now);
        return false;
    }
    const auto* reply = got.as<revocations_reply>();
    // The server hears nothing else of a member whose epoch has ended: there is no time to wait for its turn.
    if (got.reached && got.failure && got.failure->code == errc::not_authorised && behind()) renew_soon(now);
    if (!reply) return false;   // whoever else mentions it is asked
    const auto verdict = node_->seal.take_revocations(reply->list);
    if (verdict == list_verdict::forged || verdict == list_verdict::malformed) {
        node_->log(log_level::warning, "event=bad_revocation_list peer=" + from.to_string());
    }
    const auto given = decode_revocation_list(reply->list);
    const bool as_said = given && given->number >= number && verdict != list_verdict::forged;
    if (verdict != list_verdict::taken) return as_said;
    const auto& list = node_->seal.revocations();
    node_->log(log_level::info, "event=revocations number=" + std::to_string(list.number) + " revoked=" + std::to_string(list.revoked.size()) +
                                    " oldest_epoch=" + std::to_string(list.oldest_epoch));
    // The own epoch may have ended with it.
    if (node_->seal.held()->key_epoch < list.oldest_epoch) on_epoch(now, list.oldest_epoch);
    hooks_.list_taken(now);
    return as_said;
}

void papers::forget_requests() {
    requests_.forget();
    if (std::exchange(asked_, std::nullopt)) schedule(time_point::min());
    list_of_server_asked_ = false;
    peers_asked_.clear();
    peer_paused_until_.clear();
}

void papers::on_timer(time_point now) {
    if (renew_at_ <= now) renew(now);
}

}  // namespace p2pdist::client_room
