#pragma once
// One source of one download: its flow, what it holds, what it was asked for, how fast it gives.

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "holdings_status.hpp"
#include "p2pdist/transfer/transfer_engine.hpp"
#include "rate_meter.hpp"

namespace p2pdist::detail::transfer {

enum class source_phase : std::uint8_t {
    standby,    ///< known, not asked
    opening,    ///< asked, has not accepted
    answering,
    lost,       ///< kept for its counters; add_source() makes it standby again
    blamed,
};

struct source_state {
    source_state(const transfer_source& given, chunk_index chunk_count, std::uint64_t place)
        : source(given), order(place), held(chunk_count), claimed(chunk_count) {}

    transfer_source source;
    std::uint64_t order;   ///< in which it was named
    source_phase phase = source_phase::standby;
    flow_handle flow;      ///< of opening and answering
    bool strict = false;   ///< its flow authenticates payloads
    bool told = false;     ///< has said what it holds
    bool paused = false;
    bool lags = false;     ///< gave next to nothing while it was watched: who else can goes first, and it takes nobody's place
    int retries = 0;       ///< times it asked to come back later since it last gave something
    time_point not_before{};   ///< of standby

    chunk_set held;
    chunk_index log_seen = 0;
    chunk_set claimed;     ///< it says that it is getting these from outside the office
    time_point claimed_at{};
    std::map<chunk_index, time_point> claim_began;   ///< first said; forgotten when it has the chunk

    std::vector<chunk_index> assigned;  ///< in order of preference
    bool wants_changed = false;

    time_point opened_at{};
    time_point grew_at{};       ///< when its holdings last grew, and had something that is not here
    time_point progress_at{};   ///< when it last gave something, or had nothing to give
    time_point busy_since{};    ///< when it was given work, or finished its last chunk
    time_point watched_since{}; ///< its pace
    std::uint64_t watched_bytes = 0;

    // Of a plain content, which comes from one source at a time.
    bool was_whole = false;     ///< it has said once that it has all of it
    bool rival = false;         ///< asked beside the one that gives, to take its place
    std::optional<double> pace; ///< bytes a second when it was last watched
    int slow_watches = 0;       ///< in a row in which its pace was too low, since it was opened
    int failed_attempt = 0;     ///< the last one that did not fit of which it gave a part; 0: none
    int unfinished = 0;         ///< of such attempts, those that others brought to their end
    int broken_attempt = 0;     ///< the last one in which it said "not now" when others waited for it; 0: none
    int left_attempt = 0;       ///< the last one, whatever came of it, in which it was lost, or said so twice; 0: none

    duration round_trip{};      ///< upper bound, from asking to acceptance
    std::uint64_t verified_bytes = 0;
    rate_meter rate;
    double service_rate = 0;    ///< bytes a second while it has work; 0: unknown

    /// Reached over a WAN, or the server: asked alone, and only for what the own office does not have (RVP-2).
    [[nodiscard]] bool outer() const noexcept {
        return source.kind != source_kind::office || source.protocol == transfer_protocol::background;
    }
    [[nodiscard]] bool in_use() const noexcept { return phase == source_phase::opening || phase == source_phase::answering; }
    [[nodiscard]] bool answering() const noexcept { return phase == source_phase::answering; }
    [[nodiscard]] bool has_assigned(chunk_index chunk) const { return std::ranges::find(assigned, chunk) != assigned.end(); }

    /// What it says by its status, where `here` is here already. False for bytes that make no sense.
    bool hear(time_point now, byte_span text, const chunk_set& here) {
        const auto status = decode_holdings_status(text, held.chunk_count());
        if (!status || status->log_from > log_seen) return false;
        const auto before = held.count();
        if (status->complete) held = chunk_set(held.chunk_count(), true);
        for (const auto& range : status->acquired) held.insert(range);
        log_seen = std::max(log_seen, status->log_to);
        hear_claims(now, status->fetching);
        if (held.count() > before && held.first_outside(here)) grew_at = now;
        told = true;
        was_whole = was_whole || held.full();
        return true;
    }

    /// A chunk that it goes on claiming without ever having it holds nobody up for long.
    void hear_claims(time_point now, const std::vector<chunk_range>& fetching) {
        std::erase_if(claim_began, [this](const auto& entry) { return held.contains(entry.first); });
        claimed.clear();
        claimed_at = now;
        std::size_t looked_at = 0;  // a range costs a liar a few bytes, and each chunk of it costs us a search
        for (const auto& range : fetching) {
            for (auto chunk = range.first; chunk < range.end() && looked_at < limits::transfer_claims_max; ++chunk, ++looked_at) {
                const bool room = claim_began.size() < 4 * limits::transfer_claims_max;
                const auto began = room ? claim_began.try_emplace(chunk, now).first : claim_began.find(chunk);
                if (began == claim_began.end() || now >= began->second + limits::transfer_claim_age) continue;
                claimed.insert(chunk);
            }
        }
    }

    /// How many chunks it should have under way: twice what it gives during a round trip and a verification.
    [[nodiscard]] std::size_t window(duration verification) const {
        const bool careful = source.protocol == transfer_protocol::background;
        if (lags && !careful) return 1;
        const std::size_t least = careful ? 2 : 4;
        const std::size_t most = careful ? 4 : 32;
        const double seconds = std::chrono::duration<double>(round_trip + verification).count();
        const double bytes_ahead = 2 * std::max(service_rate, rate.bytes_per_second()) * seconds;
        return static_cast<std::size_t>(std::clamp(bytes_ahead / static_cast<double>(chunk_bytes) + 1, static_cast<double>(least),
                                                   static_cast<double>(most)));
    }

    void on_chunk_done(time_point now, std::uint64_t bytes_given) {
        const double seconds = std::max(std::chrono::duration<double>(now - busy_since).count(), 1e-6);
        const double sample = static_cast<double>(bytes_given) / seconds;
        service_rate = service_rate > 0 ? 0.7 * service_rate + 0.3 * sample : sample;
        busy_since = now;
        if (sample * std::chrono::duration<double>(limits::transfer_watch_time).count() >= static_cast<double>(limits::transfer_crawl_bytes_max))
            lags = false;
    }
};

}  // namespace p2pdist::detail::transfer
