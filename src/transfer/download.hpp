#pragma once
// One content on its way here.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "append_line.hpp"
#include "attempt_record.hpp"
#include "chunk_assembler.hpp"
#include "engine_context.hpp"
#include "source_state.hpp"
#include "upload_hub.hpp"

namespace p2pdist::detail::transfer {

/// Distinct objects share their engine_context: single-threaded. Its functions never destroy it; the engine does once finished().
class download {
public:
    /// All three outlive it. `serial` is never reused.
    download(engine_context& context, upload_hub& uploads, local_content& content, std::uint64_t serial, time_point now);
    ~download();
    download(const download&) = delete;
    download& operator=(const download&) = delete;

    [[nodiscard]] std::uint64_t serial() const noexcept { return serial_; }
    [[nodiscard]] bool finished() const noexcept { return state_ == life::complete || state_ == life::failed; }
    [[nodiscard]] const local_content& content() const noexcept { return *content_; }

    // Commands.
    void pause(time_point now, bool paused);
    void read_at(std::optional<chunk_index> chunk) noexcept { reader_ = chunk; }
    void cancel(time_point now);   ///< lets go of everything; only the destructor may follow
    void add_source(time_point now, const transfer_source& source);
    void remove_source(time_point now, const client_id& peer);
    void drop_blamed(time_point now, const client_id& peer);
    /// All its flows authenticate payloads from now on.
    void guard(time_point now);
    void give(time_point now, source_kind kind, std::uint64_t offset, shared_bytes data);
    void give_tree(time_point now, shared_bytes tree_file);
    [[nodiscard]] std::optional<byte_range> fallback_wants() const;
    [[nodiscard]] bool tree_known() const noexcept { return tree_known_; }

    // What its flows say; false for a flow that is not one of its sources'.
    bool on_accepted(time_point now, const flow_accepted& accepted);
    bool on_status(time_point now, const flow_status_changed& status);
    bool on_ended(time_point now, const flow_ended& ended);
    void on_piece(time_point now, const flow_piece& piece);

    // What the store says.
    void on_store(time_point now, const store_purpose& purpose, store_completion& completion);
    /// A chunk that was here is gone (the disk altered it).
    void on_chunk_lost(time_point now, chunk_index chunk);

    void on_timer(time_point now);
    [[nodiscard]] time_point deadline() const noexcept { return finished() ? never : next_tick_; }
    [[nodiscard]] transfer_progress progress() const;
    [[nodiscard]] std::vector<transfer_source> sources() const;
    [[nodiscard]] bool owns(flow_handle flow) const { return by_flow_.contains(flow); }

private:
    enum class life : std::uint8_t { opening, running, checking, complete, failed };
    struct share {  ///< the part of a region that one source was asked for
        client_id peer;
        byte_range part;
        bool exact = false;  ///< ask for what is missing of it only: others gave some
    };
    struct active_chunk {
        active_chunk(const chunk_geometry& geometry, chunk_index chunk, region_pool& pool) : assembler(geometry, chunk, pool) {}
        chunk_assembler assembler;
        std::vector<share> shares;
        bool strict = false;  ///< from one source alone, authenticated
        bool outer = false;   ///< asked for over a WAN or from the server
        std::uint64_t seen_bytes = 0;   ///< of a strict one that were here when its source was last found to lag
    };
    struct verification {  ///< handed to the store
        std::shared_ptr<const bytes> buffer;   ///< empty for a fallback source's
        bool borrowed = false;                 ///< it is not the pool's
        shared_bytes proof, data;
        std::vector<contribution> givers;
        source_kind fallback = source_kind::store;  ///< where not from peers
        bool waits = false;              ///< the store was busy: to be asked again
    };

    [[nodiscard]] bool plain() const noexcept { return !content_->is_tree(); }
    [[nodiscard]] chunk_index chunk_count() const noexcept { return content_->geometry.chunk_count(); }
    [[nodiscard]] std::uint64_t unverified_bytes() const;
    [[nodiscard]] source_state* source_of(flow_handle flow);
    [[nodiscard]] source_state* find_source(const client_id& peer);
    [[nodiscard]] std::vector<source_state*> in_order();

    // download.cpp: its life
    void on_opened(time_point now, const store_completion& completion);
    void on_reopened(time_point now, const store_completion& completion);
    void complete(time_point now);
    void fail(time_point now, error failure);
    void let_go(time_point now, errc why);
    void announce_held();
    void after_change(time_point now);

    // download_sources.cpp: whom to ask
    void manage_sources(time_point now);
    void manage_office(time_point now);
    void manage_outer(time_point now);
    void open(time_point now, source_state& one);
    void shut(time_point now, source_state& one, errc why);
    void lose(time_point now, source_state& one, errc reason, std::string text, duration retry_after);
    void blame(time_point now, const client_id& peer, chunk_index chunk);
    enum class taking : std::uint8_t { all, all_but_what_goes_on };
    void release(time_point now, source_state& one, taking what = taking::all);
    void authenticate(time_point now, source_state& one);
    void look_for_stalls(time_point now);
    void ask_for_sources(time_point now);
    [[nodiscard]] bool office_still_asked(time_point now) const;
    [[nodiscard]] bool useful(const source_state& one) const;
    [[nodiscard]] chunk_set settled(bool though_slow) const;
    [[nodiscard]] bool owed_by_the_slow_alone(const active_chunk& work) const;
    [[nodiscard]] bool suspected_and_replaceable(const source_state& one) const;
    [[nodiscard]] std::vector<const chunk_set*> in_office() const;   ///< what its sources hold or say they are getting
    [[nodiscard]] bool outer_needed() const;

    // download_chunks.cpp: what to ask for
    void assign(time_point now);
    [[nodiscard]] bool room() const;
    [[nodiscard]] bool store_is_behind() const noexcept {
        return context_->verifying_bytes >= limits::transfer_verify_bytes_max || line_.waiting_bytes() >= limits::transfer_fallback_bytes_max;
    }
    bool pick_for(time_point now, source_state& one);
    bool pick_suspected(time_point now, source_state& one);
    bool pick_orphan(time_point now, source_state& one);
    bool pick_new(time_point now, source_state& one);
    void start_chunk(time_point now, source_state& one, chunk_index chunk, bool strict);
    void add_share(time_point now, source_state& one, chunk_index chunk, const byte_range& part);
    void drop_chunk(chunk_index chunk);
    void take_away(time_point now, chunk_index chunk);
    [[nodiscard]] bool left_to_suspect(const source_state& one, chunk_index chunk) const;
    [[nodiscard]] static bool proven_of_one(const active_chunk& work);
    [[nodiscard]] static bool goes_on(active_chunk& work);
    void drop_what_nobody_has();
    void help_slowest(time_point now, source_state& idle);
    [[nodiscard]] double seconds_until_done(const source_state& owner, chunk_index chunk) const;
    void send_wants(time_point now);
    void tell_fetching(time_point now);

    // download_verify.cpp: what became of it
    void on_region(time_point now, chunk_index chunk);
    bool end_share(time_point now, source_state& one, chunk_index chunk);
    void start_afresh(time_point now, chunk_index chunk);
    void write(time_point now, chunk_index chunk, verification work);
    void on_written(time_point now, chunk_index chunk, time_point asked_at, const store_completion& completion);
    void on_chunk_verified(time_point now, chunk_index chunk, verification work);
    void on_chunk_bad(time_point now, chunk_index chunk, verification work);
    void keep_evidence(chunk_index chunk, verification work);
    void release(verification work);
    void blame_by_evidence(time_point now, chunk_index chunk, const verification& right);
    void on_tree(time_point now, const store_completion& completion);

    // download_plain.cpp: whom to ask for what can only be verified as a whole
    void manage_plain(time_point now);
    void replace_slow(time_point now, source_state& giving, source_state* rival);
    void watch_pace(time_point now, source_state& one) const;
    void on_whole(time_point now, const store_opened& opened);
    void on_misfit(time_point now);
    [[nodiscard]] std::vector<source_state*> plain_order();
    [[nodiscard]] source_state* plain_giver();
    [[nodiscard]] bool too_slow(time_point now, const source_state& one) const;
    [[nodiscard]] bool longer_than(duration patience, const source_state& one) const;
    [[nodiscard]] bool crawls(time_point now);
    [[nodiscard]] bool fallback_before(const source_state& one) const noexcept;
    [[nodiscard]] bool anybody_left() const;

    // download_append.cpp: in order
    void assign_plain(time_point now);
    void pour(time_point now);
    void on_appended(time_point now, const store_completion& completion);
    void on_checked(time_point now, const store_completion& completion);
    void start_over(time_point now, std::uint64_t from);
    bool line_up(std::uint64_t offset, const shared_bytes& data, const append_line::giver& from, bool authenticated);

    engine_context* context_;
    upload_hub* uploads_;
    local_content* content_;
    std::uint64_t serial_;
    life state_ = life::opening;
    bool paused_ = false;
    bool tree_known_ = false;
    bool tree_asked_ = false;
    time_point begun_at_;
    time_point next_tick_;
    std::optional<error> failure_;

    std::map<client_id, source_state> sources_;
    std::map<flow_handle, client_id> by_flow_;
    std::uint64_t named_ = 0;

    chunk_set blocked_;   // here, under way, being verified, or suspected
    std::map<chunk_index, active_chunk> active_;
    std::map<chunk_index, verification> verifying_;
    std::map<chunk_index, client_id> suspected_;  // failed once: to be fetched strictly, from this peer if it is still here
    std::map<chunk_index, bad_region> evidence_;  // of suspected_, to be compared with the right bytes
    chunk_index start_ = 0;  // where picking begins
    std::optional<chunk_index> reader_;  // where somebody reads that cannot wait for the rest
    duration verification_time_{std::chrono::milliseconds(20)};
    append_line line_;
    bool append_waits_ = false;              // the store was too busy for the request under way
    bool append_misses_ = false;             // the store is not where that request belongs
    int appends_missed_ = 0;                 // in a row
    std::optional<attempt_record> record_;   // of a plain content
    time_point next_rival_{};                // of a plain content
    int barren_ = 0;                         // of a plain content: sources of the office in a row that were lost and gave nothing
    int fallback_unfinished_ = 0;            // as source_state::unfinished, of fallback sources
    std::map<chunk_index, std::pair<std::shared_ptr<const bytes>, std::vector<contribution>>> ready_;  // of a plain content, out of order
    int integrity_failures_ = 0;

    source_split split_{};
    rate_meter rate_;
    time_point given_at_{};       // by a fallback source
    bool fallback_used_ = false;
    time_point short_since_ = never;   // since when nobody has what is missing
    time_point wanted_at_{};
    bool wanted_said_ = false;
};

}  // namespace p2pdist::detail::transfer
