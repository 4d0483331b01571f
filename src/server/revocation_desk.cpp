#include "revocation_desk.hpp"

#include <algorithm>
#include <map>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/envelope/renewal.hpp"
#include "p2pdist/envelope/revocation_list.hpp"
#include "tidy.hpp"

namespace p2pdist {
namespace {

constexpr std::uint16_t epoch_max = UINT16_MAX;
constexpr std::int64_t look_interval_s = 5;
constexpr auto clock_believed_after = std::chrono::hours(1);   // where it says that it was ahead before: it may be behind now

error_reply no_such_client(const client_id& id) {
    return {errc::not_found, "no client has the id " + id.to_string() +
                                 "; `p2pdist-admin clients` lists them, and `clients revoke --unregistered` shuts out a device that is not among them"};
}

client_record unknown_client(const client_id& id, wall_time when) {
    client_record out;
    out.id = id;
    out.registered = out.last_seen = when;
    return out;
}

std::uint16_t following(std::uint16_t epoch) { return epoch < epoch_max ? static_cast<std::uint16_t>(epoch + 1) : epoch; }

/// Cut at a character.
std::string short_reason(const std::string& text) {
    auto out = tidy(text);
    auto size = std::min(out.size(), limits::revocation_reason_bytes_max);
    while (size > 0 && size < out.size() && (static_cast<std::uint8_t>(out[size]) & 0xc0) == 0x80) --size;
    out.resize(size);
    return out;
}

}  // namespace

// ---- epochs

std::uint16_t revocation_desk::oldest() const {
    const auto stored = shared_->state.epochs.oldest;
    return stored == 0 ? shared_->state.versions.key_epoch : stored;
}

bool revocation_desk::grace_is_over() const {
    const auto grace = std::chrono::duration_cast<std::chrono::seconds>(shared_->state.settings.key_epoch_grace()).count();
    return shared_->wall.seconds - shared_->state.epochs.since.seconds >= grace;
}

std::size_t revocation_desk::listed(std::uint16_t oldest_epoch) const {
    const auto& all = shared_->state.clients.all();
    return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const auto& entry) {
        const auto& revoked = entry.second.record.revoked;
        return revoked && revoked->key_epoch >= oldest_epoch;
    }));
}

/// Numbers follow the clock where they can: a list that is made after the database was set back is newer than those that were lost.
std::vector<catalogue_change> revocation_desk::changes(std::uint16_t epoch, std::uint16_t oldest_epoch, std::uint64_t number_above) const {
    auto versions = shared_->state.versions;
    auto epochs = shared_->state.epochs;
    if (versions.key_epoch != epoch) epochs.since = shared_->wall;
    versions.key_epoch = epoch;
    const auto clock = static_cast<std::uint64_t>(std::max<std::int64_t>(shared_->wall.seconds, 0));
    versions.revocations = std::max({versions.revocations + 1, number_above + 1, clock});
    epochs.oldest = oldest_epoch;
    epochs.listed = shared_->wall;
    return {put_versions{versions}, put_epochs{epochs}};
}

void revocation_desk::on_wall_clock(time_point now) {
    // It goes over all clients, and nothing here is urgent: what a revocation needs at once it does itself.
    const auto since = shared_->wall.seconds - looked_s_;
    if (moving_ || (since >= 0 && since < look_interval_s)) return;
    looked_s_ = shared_->wall.seconds;
    if (in_grace() && shared_->is_ahead(shared_->state.epochs.since)) {
        if (!ahead_since_) ahead_since_ = now;
        if (now - *ahead_since_ >= clock_believed_after) date_back(now);
        return;
    }
    ahead_since_.reset();
    if (in_grace() && !grace_is_over()) return;
    if (in_grace() || (listed(oldest()) > 0 && shared_->state.versions.key_epoch < epoch_max)) move_on(now);
}

/// Ends the grace; or begins a new epoch for those revoked during the last one's.
void revocation_desk::move_on(time_point now) {
    moving_ = true;
    const auto nobody = [this](time_point, const message_body&) { moving_ = false; };  // the commit failed: the next reading of the clock tries again
    shared_->change(
        now, nobody,
        [this](time_point) -> std::vector<catalogue_change> {
            const auto epoch = shared_->state.versions.key_epoch;
            if (in_grace() && !grace_is_over()) {  // an epoch began meanwhile
                moving_ = false;
                return {};
            }
            if (in_grace()) return changes(epoch, epoch);
            return changes(static_cast<std::uint16_t>(epoch + 1), epoch);
        },
        [this](time_point at) {
            moving_ = false;
            put_in_force(at);
        });
}

/// The epoch began while this clock was ahead: its grace would last for as long besides. Not at once: where the clock is behind now, until
/// it was set after a start for one, what begins with its time is over as soon as it is right.
void revocation_desk::date_back(time_point now) {
    moving_ = true;
    shared_->change(
        now, [this](time_point, const message_body&) { moving_ = false; },
        [this](time_point) -> std::vector<catalogue_change> {
            auto epochs = shared_->state.epochs;
            epochs.since = shared_->wall;
            return {put_epochs{epochs}};
        },
        [this](time_point) { moving_ = false; });
}

void revocation_desk::put_in_force(time_point now, std::optional<office_slot> first) {
    in_force_();
    shared_->note_growth(now);   // who is revoked has no say in the detected topology
    const auto& state = shared_->state;
    if (first_made_ == 0) first_made_ = state.versions.revocations;
    shared_->tell(server_event::kind::membership_changed, "revocations=" + std::to_string(state.versions.revocations) +
                                                              " key_epoch=" + std::to_string(state.versions.key_epoch) +
                                                              " oldest_accepted=" + std::to_string(oldest()));
    shared_->push(now, first);
}

// ---- the list

const bytes& revocation_desk::list() {
    const auto& state = shared_->state;
    if (list_number_ == state.versions.revocations) return list_;
    revocation_list made;
    made.number = list_number_ = state.versions.revocations;
    made.issued = state.epochs.listed;
    made.oldest_epoch = oldest();
    for (const auto& [id, client] : state.clients.all()) {
        const auto& revoked = client.record.revoked;
        if (revoked && revoked->key_epoch >= made.oldest_epoch && made.revoked.size() < limits::revoked_clients_max) made.revoked.push_back(id);
    }
    papers_->sign(made);
    list_ = encode(made);
    return list_;
}

message_body revocation_desk::list_reply() {
    if (shared_->state.versions.revocations == 0) return error_reply{errc::not_found, "nobody was revoked yet"};
    return revocations_reply{list()};
}

// ---- what a database that was set back has lost

bool revocation_desk::lacks(const held_list& list) const {
    if (list.number == 0) return false;
    const bool lost_before = first_made_ != 0 && list.number > known_number_ && list.number < first_made_;
    return list.number > shared_->state.versions.revocations || list.oldest_epoch > oldest() || lost_before;
}

std::vector<catalogue_change> revocation_desk::adoption(const revocation_list& list) const {
    const auto& state = shared_->state;
    // Of two epochs that count, a list names the older. Those whom this database has as revoked may have certificates of lost epochs, too.
    const auto last = following(list.oldest_epoch);
    std::map<client_id, client_record> shut_out;
    for (const auto& [id, client] : state.clients.all()) {
        if (client.record.revoked) shut_out.emplace(id, client.record);
    }
    for (const auto& id : list.revoked) {
        const auto* known = state.clients.find(id);
        auto record = known != nullptr ? known->record : unknown_client(id, list.issued);   // it may have joined after the backup
        record.revoked = revocation_record{list.issued, 0, "revoked before the database was restored"};
        shut_out.emplace(id, std::move(record));
    }
    auto epoch = std::max(state.versions.key_epoch, last);
    auto oldest_epoch = std::max(oldest(), static_cast<std::uint16_t>(epoch - 1));
    // Where the list has no room for all, an epoch that counts alone shuts them out.
    const bool listed = shut_out.size() <= limits::revoked_clients_max;
    if (!listed) epoch = oldest_epoch = following(epoch);
    auto out = changes(epoch, oldest_epoch, list.number);
    // The list has forgotten whom the end of its epoch shut out; where this database had that epoch yet, nobody here knows who it was.
    if (list.oldest_epoch > oldest()) {
        for (auto& change : out) {
            if (auto* put = std::get_if<put_epochs>(&change)) put->epochs.renewable_from = std::max(put->epochs.renewable_from, list.oldest_epoch);
        }
    }
    for (auto& [id, record] : shut_out) {
        if (!listed && !is_revoked(list, id)) continue;
        record.revoked->key_epoch = std::max(record.revoked->key_epoch, last);
        out.push_back(put_client{record});
        out.push_back(put_holdings{id, {}, true});
    }
    return out;
}

void revocation_desk::adopt(time_point now, const revocation_list& list) {
    shared_->being_revoked.insert(list.revoked.begin(), list.revoked.end());   // none of them may overtake it
    const auto release = [this, list] {
        for (const auto& id : list.revoked) shared_->being_revoked.extract(id);   // one of each
    };
    shared_->change(
        now, [release](time_point, const message_body&) { release(); },   // the commit failed: another client has the list, too
        [this, list, release](time_point) {
            if (lacks({list.number, list.oldest_epoch})) return adoption(list);
            release();   // two clients had it
            return std::vector<catalogue_change>{};
        },
        [this, list, release](time_point at) {
            release();
            if (list.number < first_made_ || first_made_ == 0) known_number_ = std::max(known_number_, list.number);
            put_in_force(at);
            shared_->restored = restoration{shared_->wall, list.revoked.size(), shared_->state.versions.key_epoch};
            shared_->tell(server_event::kind::finding, describe(*shared_->restored));
        });
}

void revocation_desk::catch_up(time_point now, std::uint16_t epoch) {
    const auto nobody = [](time_point, const message_body&) {};
    shared_->change(
        now, nobody,
        [this, epoch](time_point) {
            if (epoch <= shared_->state.versions.key_epoch) return std::vector<catalogue_change>{};
            revocation_list nobody_else;
            nobody_else.oldest_epoch = static_cast<std::uint16_t>(epoch - 1);
            return adoption(nobody_else);
        },
        [this](time_point at) {
            put_in_force(at);
            shared_->restored = restoration{shared_->wall, 0, shared_->state.versions.key_epoch};
            shared_->tell(server_event::kind::finding, describe(*shared_->restored));
        });
}

// ---- for connectors

void revocation_desk::revoke(time_point now, const revoke_request& request, const reply_function& reply) {
    const auto where = std::make_shared<office_slot>();
    // From now on it may do nothing that would overtake the change, such as registering or leaving.
    shared_->being_revoked.insert(request.id);
    const auto answer = [this, id = request.id, reply](time_point at, message_body body) {
        shared_->being_revoked.extract(id);   // this one; it may be revoked by others, too
        reply(at, std::move(body));
    };
    shared_->change(
        now, answer,
        [this, request, answer, where](time_point at) -> std::vector<catalogue_change> {
            const auto* known = shared_->state.clients.find(request.id);
            if (known == nullptr && !request.unregistered) return answer(at, no_such_client(request.id)), std::vector<catalogue_change>{};
            if (known == nullptr && shared_->state.clients.size() >= limits::server_clients_max) {
                answer(at, error_reply{errc::limit_reached, "the server has no room for another client"});
                return {};
            }
            if (known != nullptr && known->record.revoked) return answer(at, accepted{}), std::vector<catalogue_change>{};
            if (listed(oldest()) >= limits::revoked_clients_max) {
                answer(at, error_reply{errc::limit_reached, std::to_string(limits::revoked_clients_max) +
                                                               " clients were revoked within the grace period; `p2pdist-admin keys rotate "
                                                               "--at-once` ends it and makes room"});
                return {};
            }
            if (known != nullptr) *where = known->office;
            const auto epoch = shared_->state.versions.key_epoch;
            auto record = known != nullptr ? known->record : unknown_client(request.id, shared_->wall);
            record.revoked = revocation_record{shared_->wall, epoch, short_reason(request.reason)};
            const bool next_epoch = !in_grace() && !moving_ && epoch < epoch_max;
            auto out = next_epoch ? changes(static_cast<std::uint16_t>(epoch + 1), epoch) : changes(epoch, oldest());
            out.push_back(put_client{record});
            out.push_back(put_holdings{request.id, {}, true});  // nobody is sent to it any more
            return out;
        },
        [this, request, answer, where](time_point at) {
            shared_->tell(server_event::kind::membership_changed, "client=" + request.id.to_string() + " was revoked");
            put_in_force(at, *where);
            answer(at, accepted{});
        });
}

void revocation_desk::reinstate(time_point now, const reinstate_request& request, const reply_function& reply) {
    shared_->change(
        now, reply,
        [this, request, reply](time_point at) -> std::vector<catalogue_change> {
            const auto* known = shared_->state.clients.find(request.id);
            if (known == nullptr) return reply(at, no_such_client(request.id)), std::vector<catalogue_change>{};
            if (!known->record.revoked) return reply(at, accepted{}), std::vector<catalogue_change>{};
            auto record = known->record;
            record.revoked.reset();
            auto out = changes(shared_->state.versions.key_epoch, oldest());
            const bool never_registered = record.key == public_key{};   // it registers when it comes, and takes a licence then
            if (never_registered) out.push_back(remove_client{record.id});
            else out.push_back(put_client{record});
            return out;
        },
        [this, request, reply](time_point at) {
            shared_->tell(server_event::kind::membership_changed, "client=" + request.id.to_string() + " was reinstated");
            put_in_force(at);
            reply(at, accepted{});
        });
}

void revocation_desk::rotate(time_point now, const rotate_epoch_request& request, const reply_function& reply) {
    shared_->change(
        now, reply,
        [this, request, reply](time_point at) -> std::vector<catalogue_change> {
            const auto epoch = shared_->state.versions.key_epoch;
            if (!request.at_once && in_grace()) {
                reply(at, error_reply{errc::refused, "key epoch " + std::to_string(epoch) +
                                                         " has begun and its grace period is not over; wait for its end, or end it with --at-once"});
                return {};
            }
            if (epoch == epoch_max) return reply(at, error_reply{errc::limit_reached, "there are no more key epochs"}), std::vector<catalogue_change>{};
            const auto next = static_cast<std::uint16_t>(epoch + 1);
            return changes(next, request.at_once ? next : epoch);
        },
        [this, reply](time_point at) {
            put_in_force(at);
            reply(at, rotate_epoch_reply{shared_->state.versions.key_epoch, oldest()});
        });
}

// ---- for clients

message_body revocation_desk::renew(time_point now, const client_id& id, const public_key& key, std::uint16_t epoch,
                                    const renew_request& request) {
    if (shared_->state.member(id) == nullptr) {
        return error_reply{errc::not_authorised, "this client is not registered: it has to enrol"};
    }
    if (epoch < shared_->state.epochs.renewable_from) {
        return error_reply{errc::not_authorised, "this client's certificate is older than what a restored database knows: it has to enrol"};
    }
    const auto& own = seal_->held()->own;
    if (now - window_since_ >= limits::renewal_window || window_epoch_ != own.key_epoch) {
        window_since_ = now;
        window_epoch_ = own.key_epoch;
        renewals_of_.clear();
    }
    if (const auto given = renewals_of_.find(id); given != renewals_of_.end() && given->second >= limits::renewals_of_client_max) {
        return error_reply{errc::limit_reached, "this client's certificate was renewed a moment ago; try again later"};
    }
    if (now - renewals_since_ >= std::chrono::seconds(1)) {
        renewals_since_ = now;
        renewals_ = 0;
    }
    if (++renewals_ > limits::renewals_per_second) {
        return error_reply{errc::limit_reached, "many clients renew their certificates now; try again later"};
    }
    ++renewals_of_[id];
    const enrolment_grant grant{papers_->issue(role::client, key, own.key_epoch, shared_->wall), own, {}};
    auto sealed = papers_->seal(*random_, key, request.ephemeral, grant);
    if (!sealed) return error_reply{errc::invalid_argument, "no key can be agreed with this one"};
    return renew_reply{std::move(*sealed)};
}

}  // namespace p2pdist
