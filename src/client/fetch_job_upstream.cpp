// What a fetch_job does where this client crosses the office's link itself: as its rendezvous point, or in a VPN office. The offices
// above are asked first, then (in the central office) the server, then CDN and file store (SRC-1, SRC-2, SRC-5).

#include <algorithm>

#include "fetch_job.hpp"
#include "p2pdist/base/limits.hpp"

namespace p2pdist::client_room {
namespace {

constexpr duration check_interval = std::chrono::seconds(4);
constexpr duration undecided_pause = std::chrono::seconds(1);
constexpr int walks_before_fallback = 3;   // where somebody above lives, and declines
constexpr int undecided_patience = 5;
constexpr duration promises_patience = std::chrono::minutes(30);   // for each office above
constexpr std::uint64_t promised_bytes_min = 4 * chunk_bytes;       // in that time: crumbs keep nobody waiting

}  // namespace

void fetch_job::climb(time_point now) {
    next_climb_ = never;
    if ((standing_ != standing::acting && standing_ != standing::direct) || upstream_ || walk_.running() || node_->paused) return;
    if (!located_ || located_->path.empty()) {
        start_fallback(now, "the server has not said who could have it");
        next_climb_ = now + climb_pause_.next(node_->jitter);
        return;
    }
    if (located_->path.size() == 1) {
        use_server(now);
        return;
    }
    std::vector<office_sources> above(located_->path.begin() + 1, located_->path.end());
    auto skip = dead(now);
    skip.insert(passed_over_.begin(), passed_over_.end());
    walk_.start(now, content_, std::move(above), standing_ == standing::acting, std::move(skip), fruitless_walks_ < undecided_patience,
                [this](time_point at, const upstream_walk::outcome& got) { on_walked(at, got); });
}

void fetch_job::on_walked(time_point now, const upstream_walk::outcome& got) {
    for (const auto& peer : got.silent) mark_dead(now, peer);
    for (const auto& remark : got.remarks) note(remark);
    if (standing_ != standing::acting && standing_ != standing::direct) return;
    if (got.peer) {
        fruitless_walks_ = 0;
        climb_pause_.reset();
        upstream_trouble_.clear();
        upstream_office_ = got.office;
        if (!promises_fail_) parts_->fallback.stop(key_);
        upstream_ = transfer_source{got.peer->id, role::client, got.peer->address, source_kind::ancestor, transfer_protocol::background};
        log("upstream", " peer=" + brief(*got.peer) + " office=\"" + got.office + '"');
        node_->transfers.add_source(now, key_, *upstream_);
        watch_progress(now);
        expect_progress(now);
        give_up_waiting(now);
        next_check_ = now + node_->jitter.jittered(check_interval, 0.25);
        return;
    }
    if (!passed_over_.empty()) {  // nobody else: whoever stood aside may be free by now
        passed_over_.clear();
        next_climb_ = now + climb_pause_.next(node_->jitter);
        return;
    }
    ++fruitless_walks_;
    log("no_upstream", " undecided=" + std::string(got.undecided ? "1" : "0") + " cut_off=" + (got.any_answer ? "0" : "1") +
                           " walks=" + std::to_string(fruitless_walks_));
    if (!got.any_answer) {
        start_fallback(now, "no client of the offices above can be reached");
    } else if (!got.undecided && fruitless_walks_ >= walks_before_fallback) {
        start_fallback(now, "the offices above cannot give it now");
    } else if (upstream_trouble_.empty()) {
        upstream_trouble_ = "waiting for the offices above";
    }
    next_climb_ = now + (got.undecided ? node_->jitter.jittered(undecided_pause, 0.25) : climb_pause_.next(node_->jitter));
    if (!locating_ && (next_locate_ == never || next_locate_ > now + std::chrono::seconds(5))) {
        next_locate_ = now + std::chrono::seconds(2);  // others may have come up
    }
}

void fetch_job::use_server(time_point now) {
    const auto server = parts_->member.server_info();
    if (located_->server_has_it && parts_->member.server_reachable() && !dead(now).contains(server.id)) {
        upstream_trouble_.clear();
        upstream_ = transfer_source{server.id, role::server, server.address, source_kind::server, transfer_protocol::foreground};
        log("upstream", " peer=server");
        parts_->fallback.stop(key_);
        node_->transfers.add_source(now, key_, *upstream_);
        return;
    }
    start_fallback(now, located_->server_has_it ? "the server cannot be reached" : "no office and no server has it");
    next_climb_ = now + climb_pause_.next(node_->jitter);
    if (!locating_ && next_locate_ > now + std::chrono::seconds(15)) next_locate_ = now + std::chrono::seconds(15);
}

void fetch_job::start_fallback(time_point now, const std::string& why) {
    note(why);
    if (!parts_->fallback.possible()) {
        upstream_trouble_ = why + "; there is neither a CDN nor a file store";
        return;
    }
    upstream_trouble_ = why;
    parts_->fallback.start(now, content_);
}

/// A link that others fill is no reason for a fallback source, which would cross it too; but a single peer above that promises and never
/// gives must not keep an office from what a CDN has. The offices above are waited for in their order: what the parent's own rendezvous
/// point gets from a fallback source comes down from there.
void fetch_job::give_up_waiting(time_point now) {
    if (!promised_ || progress_bytes_ >= promised_->bytes + promised_bytes_min) promised_ = promise{now, progress_bytes_};
    const auto offices = static_cast<int>(located_ ? located_->path.size() : 1);
    auto allowed = promises_patience * std::max(1, offices - 1);
    if (content_.hash.kind == hash_kind::sha256) allowed += limits::plain_relay_time_max;
    promises_fail_ = promises_fail_ || now >= promised_->since + allowed;
    if (promises_fail_ && !parts_->fallback.reading(key_)) start_fallback(now, "what the offices above promise does not come");
}

void fetch_job::drop_upstream(time_point now) {
    if (!upstream_) return;
    node_->transfers.remove_source(now, key_, upstream_->peer);
    upstream_.reset();
    next_check_ = never;
}

/// A silent or retired upstream is noticed before its flow times out.
void fetch_job::check_upstream(time_point now) {
    if (!upstream_ || upstream_->as == role::server) return;
    if (checking_upstream_) {   // the one before, which may take seconds
        next_check_ = now + check_interval;
        return;
    }
    checking_upstream_ = true;
    const auto peer = upstream_->peer;
    const auto key = node_->seal.key_of(peer).value_or(public_key{});
    requests_.ask(
        now, peer_info{peer, key, upstream_->address}, want_request{content_, upstream_office_, standing_ == standing::acting},
        [this, peer](time_point at, const answer& got) {
            checking_upstream_ = false;
            if (!upstream_ || upstream_->peer != peer) return;
            const auto* reply = got.as<want_reply>();
            const bool gives = reply && (reply->verdict == want_verdict::holder || reply->verdict == want_verdict::acting);
            watch_progress(at);
            if (gives && fruitless(at, reply->verdict == want_verdict::holder)) {
                log("upstream_fruitless");
                pass_over(at, peer);
                return;
            }
            if (gives) {
                give_up_waiting(at);
                next_check_ = at + node_->jitter.jittered(check_interval, 0.25);
                return;
            }
            log("upstream_gone", reply ? " verdict=" + std::string(to_string(reply->verdict)) : std::string(" silent=1"));
            if (!got.reached) mark_dead(at, peer);
            drop_upstream(at);
            climb(at);
        },
        want_options());
}

/// It lives and promises, but nothing comes: others are tried first. That may be a busy link's fault, so it is no reason for a fallback
/// source, which would cross the same link.
void fetch_job::pass_over(time_point now, const client_id& peer) {
    stand_aside(peer);
    drop_upstream(now);
    climb(now);
}

void fetch_job::stand_aside(const client_id& peer) {
    if (passed_over_.size() < limits::distrusted_peers_max) passed_over_.insert(peer);
}

// ---- what the engine says

void fetch_job::on_source_lost(time_point now, const source_lost& lost) {
    const auto& source = lost.source;
    if (source.kind == source_kind::cdn || source.kind == source_kind::file_store) {
        parts_->fallback.on_bad_bytes(now, key_, lost.text);
        return;
    }
    log("source_lost", " peer=" + source.peer.to_string().substr(0, 8) + " kind=" + std::string(to_string(source.kind)) + " reason=\"" +
                           lost.text + '"');
    const bool dropped = lost.retry_after == duration{};
    const bool gave_nothing = dropped && (lost.reason == errc::timed_out || lost.reason == errc::integrity_failed);
    const bool broke_its_word = gave_nothing || (dropped && lost.reason != errc::unreachable && lost.reason != errc::cancelled);
    if (upstream_ && upstream_->peer == source.peer) {
        upstream_.reset();
        next_check_ = never;
        if (dropped) mark_dead(now, source.peer);
        if (broke_its_word && source.as == role::client) distrust_.strike(now, source.peer);
        else if (!dropped && source.as == role::client) stand_aside(source.peer);
        note(std::string(source.as == role::server ? "the server" : brief({source.peer, {}, source.address})) + " is lost as a source: " + lost.text);
        const auto pause = std::max<duration>(lost.retry_after, node_->jitter.jittered(std::chrono::milliseconds(200), 0.5));
        next_climb_ = now + std::min<duration>(pause, limits::source_retry_max);
        return;
    }
    if (lost.retry_after > duration{} && again_.size() < limits::want_askers_max) {
        const auto key = node_->seal.key_of(source.peer).value_or(public_key{});
        again_[source.peer] = {peer_info{source.peer, key, source.address}, now + std::min<duration>(lost.retry_after, limits::source_retry_max)};
    }
    if (acting_peer_ && acting_peer_->id == source.peer && standing_ == standing::following) {
        if (broke_its_word) distrust_acting(now);
        else next_refresh_ = now;
    } else if (gave_nothing) {
        distrust_.strike(now, source.peer);
    }
}

void fetch_job::on_sources_wanted(time_point now) {
    parts_->fallback.pump(now, key_);
    ask_subnet(now);
    if (standing_ == standing::following && next_refresh_ > now + std::chrono::milliseconds(500) && now - acting_heard_ > std::chrono::seconds(1)) {
        next_refresh_ = now;
    }
    if (standing_ == standing::following && acting_peer_) add_office_source(now, *acting_peer_);
    if (upstream_) node_->transfers.add_source(now, key_, *upstream_);
    if ((standing_ == standing::acting || standing_ == standing::direct) && !upstream_ && next_climb_ == never && !walk_.running()) climb(now);
}

}  // namespace p2pdist::client_room
