#include "interview.hpp"

#include <utility>

#include "p2pdist/base/limits.hpp"

namespace p2pdist::client_room {
namespace {

constexpr duration poll_time = std::chrono::milliseconds(1000);
constexpr duration want_answer_time = std::chrono::seconds(6);  // longer than an answer is held back (fetch_jobs)
constexpr int want_attempts = 3;                                // 0.4 + 0.8 + 1.6 seconds

bool positive(want_verdict verdict) { return verdict == want_verdict::holder || verdict == want_verdict::acting; }

void log_verdict(const node& shared, const want_request& question, const peer_info& peer, const answer& got) {
    if (!shared.logs(log_level::debug)) return;
    const auto* reply = got.as<want_reply>();
    shared.log(log_level::debug, "event=want content=" + question.content.id.text() + " office=\"" + question.office + "\" peer=" +
                                     brief(peer) + " answer=" +
                                     (reply ? std::string(to_string(reply->verdict)) : "failed:" + (got.failure ? got.failure->message : "?")));
}

}  // namespace

message_options want_options() {
    message_options out;
    out.attempts_max = want_attempts;
    out.answer_timeout = want_answer_time;
    return out;
}

// ---- one after another

void interview::start(time_point now, want_request question, std::vector<peer_info> candidates, const std::set<client_id>& skip,
                      done then) {
    stop();
    question_ = std::move(question);
    candidates_ = std::move(candidates);
    position_ = referrals_ = 0;
    asked_ = skip;
    asked_.insert(node_->self.id);
    outcome_ = {};
    then_ = std::move(then);
    next(now);
}

void interview::stop() {
    requests_.forget();
    then_ = nullptr;
}

void interview::next(time_point now) {
    while (position_ < candidates_.size()) {
        const auto peer = candidates_[position_++];
        if (!asked_.insert(peer.id).second) continue;
        referrals_ = 0;
        ask(now, peer);
        return;
    }
    end(now);
}

void interview::ask(time_point now, const peer_info& peer) {
    requests_.ask(now, peer, question_, [this, peer](time_point at, const answer& got) { heard(at, peer, got); }, want_options());
}

void interview::heard(time_point now, const peer_info& peer, const answer& got) {
    log_verdict(*node_, question_, peer, got);
    peers_->note(peer).reachable = got.reached;
    const auto* reply = got.as<want_reply>();
    if (!reply) {
        const std::string why = got.failure ? got.failure->message : "an answer that was not understood";
        if (got.reached) {
            outcome_.any_answer = outcome_.any_cannot = true;
            outcome_.remarks.push_back(brief(peer) + " refuses: " + why);
        } else {
            outcome_.silent.push_back(peer.id);
            outcome_.remarks.push_back(brief(peer) + " does not answer");
        }
        next(now);
        return;
    }
    outcome_.any_answer = true;
    if (positive(reply->verdict)) {
        outcome_.found = heard_peer{peer, *reply};
        end(now);
        return;
    }
    if (reply->verdict == want_verdict::partial) outcome_.partial.push_back({peer, *reply});
    if (reply->verdict == want_verdict::cannot) {
        outcome_.any_cannot = true;
        outcome_.remarks.push_back(brief(peer) + " cannot: " + reply->text);
    } else {
        outcome_.undecided = true;
    }
    const bool named = reply->acting_peer && node_->may_name(peer.address, reply->acting_peer->address);
    if (named && referrals_ < limits::referrals_max && asked_.insert(reply->acting_peer->id).second) {
        ++referrals_;
        ask(now, *reply->acting_peer);
        return;
    }
    next(now);
}

void interview::end(time_point now) {
    const auto then = std::exchange(then_, nullptr);
    const auto outcome = std::exchange(outcome_, {});
    if (then) then(now, outcome);
}

// ---- all at once

void poll_round::start(time_point now, want_request question, const std::vector<peer_info>& candidates, done then) {
    stop();
    outcome_ = {};
    then_ = std::move(then);
    until_ = now + poll_time;
    std::set<client_id> asked{node_->self.id};
    std::vector<peer_info> chosen;
    for (const auto& peer : candidates) {
        if (chosen.size() < limits::polled_peers_max && asked.insert(peer.id).second) chosen.push_back(peer);
    }
    waiting_ = chosen.size();
    if (chosen.empty()) {
        end(now);
        return;
    }
    for (const auto& peer : chosen) {
        requests_.ask(
            now, peer, question,
            [this, peer, question](time_point at, const answer& got) {
                log_verdict(*node_, question, peer, got);
                heard(at, peer, got);
            },
            want_options());
    }
}

void poll_round::stop() {
    requests_.forget();
    then_ = nullptr;
    until_ = never;
}

void poll_round::heard(time_point now, const peer_info& peer, const answer& got) {
    peers_->note(peer).reachable = got.reached;
    if (!then_) return;
    if (waiting_ > 0) --waiting_;
    if (const auto* reply = got.as<want_reply>()) {
        outcome_.any_answer = true;
        if (positive(reply->verdict)) {
            outcome_.found = heard_peer{peer, *reply};
            outcome_.told_by.reset();
            end(now);
            return;
        }
        if (reply->verdict == want_verdict::partial) outcome_.partial.push_back({peer, *reply});
        const bool named = reply->verdict == want_verdict::not_me && reply->acting_peer && reply->acting_peer->id != node_->self.id;
        if (named && !outcome_.found && node_->may_name(peer.address, reply->acting_peer->address)) {
            // Hearsay: kept for the end, should the one it speaks of not answer itself.
            want_reply hearsay = *reply;
            hearsay.verdict = want_verdict::acting;
            outcome_.found = heard_peer{*reply->acting_peer, hearsay};
            outcome_.told_by = peer.id;
        }
    } else if (!got.reached) {
        outcome_.silent.push_back(peer.id);
    }
    if (waiting_ == 0) end(now);
}

void poll_round::end(time_point now) {
    until_ = never;
    const auto then = std::exchange(then_, nullptr);
    const auto outcome = std::exchange(outcome_, {});
    if (then) then(now, outcome);
}

void poll_round::on_timer(time_point now) {
    if (until_ <= now) end(now);
}

}  // namespace p2pdist::client_room
