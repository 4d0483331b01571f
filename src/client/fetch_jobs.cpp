#include "fetch_jobs.hpp"

#include <algorithm>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/content/content_checks.hpp"
#include "p2pdist/envelope/revocation_list.hpp"

namespace p2pdist::client_room {
namespace {
constexpr duration show_interval = std::chrono::milliseconds(500);
constexpr duration trouble_time = std::chrono::seconds(30);
}  // namespace

fetch_job* fetch_jobs::find(const content_key& content) {
    const auto found = jobs_.find(content);
    return found == jobs_.end() ? nullptr : found->second.get();
}

const fetch_job* fetch_jobs::find(const content_key& content) const {
    const auto found = jobs_.find(content);
    return found == jobs_.end() ? nullptr : found->second.get();
}

/// Jobs that are over leave with the next reap().
bool fetch_jobs::full() const {
    if (jobs_.size() < limits::client_jobs_max) return false;
    const auto going_on = std::count_if(jobs_.begin(), jobs_.end(), [](const auto& entry) { return !entry.second->over(); });
    return static_cast<std::size_t>(going_on) >= limits::client_jobs_max;
}

/// A job on behalf of others ends, one that has not begun to download if there is any.
bool fetch_jobs::make_room() {
    fetch_job* victim = nullptr;
    for (const auto& [key, job] : jobs_) {
        if (job->for_us() || job->over()) continue;
        if (!victim || !job->downloading()) victim = job.get();
        if (!victim->downloading()) break;
    }
    if (victim) victim->give_way();
    return victim != nullptr;
}

fetch_job* fetch_jobs::start(time_point now, const content_info& content, std::optional<client_id> asked_by) {
    auto& job = jobs_[content.key()] = std::make_unique<fetch_job>(*parts_, content, asked_by, now);
    job->begin(now);
    if (next_show_ == never) next_show_ = now + show_interval;
    return job.get();
}

bool fetch_jobs::fetch(time_point now, const content_info& content) {
    troubles_.erase(content.key());
    if (auto* job = find(content.key())) {
        if (job->content() == content) {
            job->take_up(now);
            return true;
        }
        job->give_way();   // somebody asked for it with a size that it never had; the server's word counts
        (void)reap(now);
    }
    if (full() && !make_room()) return false;
    return start(now, content, std::nullopt) != nullptr;
}

void fetch_jobs::release(time_point now, const content_key& content) {
    if (auto* job = find(content)) job->release(now);
}

// ---- what others ask

std::optional<std::string> fetch_jobs::why_not(time_point now, const content_key& content, const client_id& asker, bool for_office) const {
    if (parts_->shared.paused) return "paused by its user";
    if (const auto found = troubles_.find(content); found != troubles_.end() && found->second.until > now) return found->second.text;
    if (!parts_->member.registered()) return "it does not reach the server";
    if (full()) return "too many downloads at once";
    const auto of_asker = std::count_if(jobs_.begin(), jobs_.end(), [&](const auto& entry) { return entry.second->only_for(asker); });
    // A rendezvous point asks for its whole office.
    const auto most = (for_office ? 3 : 1) * limits::client_jobs_for_peer_max;
    if (static_cast<std::size_t>(of_asker) >= most) return "too many downloads at once for one client";
    return std::nullopt;
}

void fetch_jobs::on_want(time_point now, const message_received& received, const want_request& request) {
    const auto& from = received.from_endpoint.address;
    const auto refuse = [&](errc code, std::string text) {
        if (parts_->shared.logs(log_level::debug)) {
            parts_->shared.log(log_level::debug, "event=want_refused from=" + from.to_string() + " reason=\"" + text + '"');
        }
        parts_->shared.messages.reply(now, received.request, error_reply{code, std::move(text)});
    };
    const auto answer_with = [&](want_verdict what, std::string text = {}) {
        want_reply reply;
        reply.verdict = what;
        reply.text = std::move(text);
        parts_->shared.answer_want(now, received.request, std::move(reply));
    };
    if (received.from.as != role::client || !check(request.content)) return refuse(errc::invalid_argument, "not a request of a client");
    if (!parts_->offices.known()) return answer_with(want_verdict::cannot, "it does not know the topology yet");
    const auto where = parts_->offices.relation_of(from);
    if (where != relation::office && where != relation::below) {
        return refuse(errc::not_authorised, "content travels within an office and down to child offices only");
    }
    if (!parts_->offices.shares()) return answer_with(want_verdict::cannot, "clients of a VPN office do not share");
    if (!parts_->member.activated()) return answer_with(want_verdict::cannot, "distribution is not activated");
    // Which office the asker means is not compared: its topology may be older than ours, and where it stands is what counts.

    const auto key = request.content.key();
    if (parts_->shelf.whole(key)) return answer_with(want_verdict::holder);
    const auto asker_key = parts_->shared.seal.key_of(received.from.id);
    const peer_info asker{received.from.id, asker_key.value_or(public_key{}), from};
    parts_->peers.note(asker).reachable = true;
    auto* job = find(key);
    if (job && !job->takes(request.content)) return answer_with(want_verdict::cannot, std::string(other_size_text));
    if (!job) {
        const bool poll = where == relation::office && request.as_rendezvous_point;
        if (poll) {
            const auto* entry = parts_->shelf.find(key);
            return answer_with(entry && entry->verified_bytes > 0 ? want_verdict::partial : want_verdict::unknown);
        }
        const auto obstacle = why_not(now, key, received.from.id, request.as_rendezvous_point);
        if (obstacle) return answer_with(want_verdict::cannot, *obstacle);
        job = start(now, request.content, received.from.id);
    }
    job->on_want(now, received.request, asker, where, request);
}

discovery_reply fetch_jobs::holding_of(const content_key& content) const {
    discovery_reply out;
    out.content = content;
    out.profile = parts_->shared.config.profile;
    out.revocations = parts_->shared.seal.revocations().number;
    if (!parts_->member.activated() || !parts_->offices.shares()) return out;
    if (parts_->shelf.whole(content)) {
        out.state = holding_state::complete;
        return out;
    }
    const auto* job = find(content);
    if (!job) return out;
    out.acting = job->state() == fetch_job::standing::acting;
    const auto* held = parts_->shared.transfers.held(content);
    if (held && !held->empty()) out.state = holding_state::partial;
    return out;
}

// ---- inputs

void fetch_jobs::on_found(time_point now, const discovery::found& found) {
    if (auto* job = find(found.reply.content)) job->on_found(now, found);
}

void fetch_jobs::on_registered(time_point now) {
    for (auto& [key, job] : jobs_) job->on_registered(now);
}

void fetch_jobs::on_state_changed(time_point now) {
    for (auto& [key, job] : jobs_) job->on_state_changed(now);
}

void fetch_jobs::on_paused(time_point now, bool paused) {
    for (auto& [key, job] : jobs_) job->on_paused(now, paused);
}

void fetch_jobs::on_chunks_verified(time_point now, const chunks_verified& what) {
    const auto* job = find(what.content);
    if (!job) return mend(now, what);
    if (what.total_verified == 0) return;
    if (!parts_->shelf.whole(what.content)) {
        const auto size = job->content().size_bytes;
        parts_->shelf.put_partial(job->content(), std::min(size, std::uint64_t{what.total_verified} * chunk_bytes));
        parts_->reporter.set(now, what.content, holding_state::partial);
    }
    parts_->fallback.pump(now, what.content);
}

/// The disk has altered or lost what counted as whole: nobody is told any more that it is, and what is missing is fetched again.
void fetch_jobs::mend(time_point now, const chunks_verified& what) {
    const auto* entry = parts_->shelf.find(what.content);
    if (!entry || !entry->whole || what.total_verified >= chunk_geometry(entry->content.size_bytes).chunk_count()) return;
    const auto content = entry->content;
    parts_->shelf.put_partial(content, std::min(content.size_bytes, std::uint64_t{what.total_verified} * chunk_bytes));
    parts_->reporter.set(now, what.content, what.total_verified > 0 ? holding_state::partial : holding_state::none);
    parts_->shared.notice(log_level::warning, "the disk has lost chunks of " + content.id.text() + ": they are fetched again");
    (void)fetch(now, content);
}

void fetch_jobs::on_source_lost(time_point now, const source_lost& what) {
    if (auto* job = find(what.content)) job->on_source_lost(now, what);
}

void fetch_jobs::on_sources_wanted(time_point now, const sources_wanted& what) {
    if (auto* job = find(what.content)) job->on_sources_wanted(now);
}

void fetch_jobs::on_finished(time_point now, const transfer_finished& what) {
    const auto key = what.content.key();
    parts_->ledger.received_all(now, key, what.split[static_cast<std::size_t>(source_kind::ancestor)]);
    parts_->fallback.stop(key);
    auto& shared = parts_->shared;
    if (!what.failure) {
        parts_->shelf.put_whole(what.content);
        shared.transfers.serve(now, what.content);
        parts_->reporter.set(now, key, holding_state::complete);
        shared.log(log_level::info, "event=complete content=" + what.content.id.text() + " size=" + std::to_string(what.content.size_bytes));
    } else {
        parts_->reporter.set_acting(now, key, false);
        std::erase_if(troubles_, [now](const auto& entry) { return entry.second.until <= now; });
        if (troubles_.size() < limits::client_jobs_max) troubles_[key] = {what.failure->message, now + trouble_time};
        shared.log(log_level::warning, "event=failed content=" + what.content.id.text() + " reason=\"" + what.failure->message + '"');
    }
    if (auto* job = find(key)) {
        job->ended(now, what.failure);
        shared.emit(client_event{client_progress{shared.transfers.progress(key).value_or(
            transfer_progress{what.content, what.failure ? transfer_state::failed : transfer_state::complete,
                              what.failure ? what.failure->message : std::string(), what.failure ? 0 : what.content.size_bytes, 0, what.split, {}})}});
        jobs_.erase(key);
        shown_.erase(key);
    }
    hooks_.finished(now, what.content, what.failure, what.split, what.took);
}

bool fetch_jobs::reap(time_point now) {
    bool any = false;
    for (auto at = jobs_.begin(); at != jobs_.end();) {
        auto& job = *at->second;
        if (!job.over()) {
            ++at;
            continue;
        }
        any = true;
        const auto key = at->first;
        const auto content = job.content();
        const auto failure = job.failure();
        if (job.downloading()) {
            if (const auto progress = parts_->shared.transfers.progress(key)) {
                parts_->ledger.received_all(now, key, progress->split[static_cast<std::size_t>(source_kind::ancestor)]);
            }
            parts_->shared.transfers.cancel(now, key);
        }
        job.ended(now, failure ? failure : std::optional<error>(error{errc::cancelled, "nobody waits for it any more"}));
        parts_->reporter.set_acting(now, key, false);
        parts_->shared.log(log_level::debug, "event=job_over content=" + content.id.text());
        at = jobs_.erase(at);
        shown_.erase(key);
        if (failure) hooks_.finished(now, content, failure, {}, {});
    }
    return any;
}

void fetch_jobs::stop(time_point now) {
    for (auto& [key, job] : jobs_) job->give_way();
    (void)reap(now);
}

// ---- time

void fetch_jobs::on_timer(time_point now) {
    for (auto& [key, job] : jobs_) {
        if (job->deadline() <= now) job->on_timer(now);
    }
    if (next_show_ <= now) {
        show(now);
        next_show_ = jobs_.empty() ? never : now + show_interval;
    }
}

time_point fetch_jobs::deadline() const {
    auto out = jobs_.empty() ? never : next_show_;
    for (const auto& [key, job] : jobs_) out = std::min(out, job->deadline());
    return out;
}

void fetch_jobs::show(time_point now) {
    for (const auto& [key, job] : jobs_) {
        auto now_is = progress(key);
        if (!now_is) continue;
        parts_->ledger.note_time(now);
        parts_->ledger.received(key, now_is->split[static_cast<std::size_t>(source_kind::ancestor)]);
        auto& last = shown_[key];
        if (last.verified == now_is->verified_bytes && last.state == now_is->state && last.reason == now_is->reason &&
            (last.rate > 0) == (now_is->bytes_per_second > 0)) {
            continue;
        }
        last = {now_is->verified_bytes, now_is->state, now_is->reason, now_is->bytes_per_second};
        parts_->shared.emit(client_event{client_progress{std::move(*now_is)}});
    }
}

std::optional<transfer_progress> fetch_jobs::progress(const content_key& content) const {
    const auto* job = find(content);
    auto out = parts_->shared.transfers.progress(content);
    if (!job) return out;
    if (!out) out = transfer_progress{job->content(), transfer_state::waiting, {}, 0, 0, {}, {}};
    if (parts_->shared.paused) {
        out->state = transfer_state::paused;
        out->reason = "paused by the user";
    } else if (out->state == transfer_state::waiting || (out->state == transfer_state::downloading && out->sources.empty())) {
        out->reason = job->reason();
    }
    return out;
}

}  // namespace p2pdist::client_room
