#pragma once
// One content on disk: its directory with `info`, `content`, `tree` and `journal`. Knows nothing of limits or other contents.
// Its functions are safe to call from several threads; stage_* and commit from one.

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "content_record.hpp"
#include "file.hpp"
#include "hash_source.hpp"
#include "journal.hpp"
#include "p2pdist/base/log.hpp"
#include "p2pdist/content/hash_tree.hpp"
#include "p2pdist/content/store.hpp"

namespace p2pdist::detail {

/// What all contents of a store share.
struct store_context {
    const crypto_suite& crypto;
    io_fault fault;
    log_sink log;
    std::atomic<bool> stopping{false};

    [[nodiscard]] std::function<bool()> stopped() const {
        return [this] { return stopping.load(); };
    }
};

class stored_content {
public:
    [[nodiscard]] static result<std::shared_ptr<stored_content>> create(const store_context& context, const std::filesystem::path& directory,
                                                                        content_record record);
    [[nodiscard]] static result<content_record> read_record(const store_context& context, const std::filesystem::path& directory);
    /// Replays the journal, then hashes what was written but not journaled (CLI-4).
    [[nodiscard]] static result<std::shared_ptr<stored_content>> load(const store_context& context, const std::filesystem::path& directory);

    [[nodiscard]] const content_info& content() const noexcept { return record_.content; }
    [[nodiscard]] const std::filesystem::path& directory() const noexcept { return directory_; }
    [[nodiscard]] const std::filesystem::path& source() const noexcept { return record_.source; }
    [[nodiscard]] std::int64_t source_changed() const noexcept { return record_.source_changed; }
    [[nodiscard]] bool attached() const noexcept { return !record_.source.empty(); }
    [[nodiscard]] bool pinned() const;
    [[nodiscard]] bool whole() const;
    [[nodiscard]] store_opened opened() const;
    [[nodiscard]] std::uint64_t verified_bytes() const;
    [[nodiscard]] std::uint64_t on_disk_bytes() const;
    /// Keeps the files open while the content is in use.
    void keep_open(bool keep);
    [[nodiscard]] result<void> set_pinned(bool pinned);
    /// Comes before its directory goes: whoever still has it neither makes that anew nor takes another's in its place for its own.
    void retire();

    [[nodiscard]] result<store_region> read(chunk_index chunk);

    /// Verifies and writes; false where the chunk is there already and nothing needs a commit.
    [[nodiscard]] result<bool> stage_chunk(const store_write_chunk& request);
    /// Writes; gives the new end.
    [[nodiscard]] result<std::uint64_t> stage_append(const store_append& request);
    /// How many syncs of its files have failed.
    [[nodiscard]] std::uint64_t failed_syncs() const noexcept { return failed_syncs_; }
    /// Syncs and journals what was staged. `failed_before` is what failed_syncs() gave before the first of it was staged.
    [[nodiscard]] result<void> commit(const std::vector<chunk_index>& chunks, std::optional<std::uint64_t> appended, std::uint64_t failed_before);
    /// Where the next append goes on.
    [[nodiscard]] std::uint64_t append_position() const;

    // These take as long as the content is large.
    /// errc::io_failed also where the disk altered or does not give a chunk that was verified: it is missing then, and nothing else is dropped.
    /// One that was appended and that it does not give is to be appended again, with what follows.
    [[nodiscard]] result<void> finish();
    [[nodiscard]] result<void> install_tree(byte_span tree_file);
    [[nodiscard]] result<bytes> tree_file();
    [[nodiscard]] result<store_checked> check_chunks();
    /// Copies from a file whose tree is `tree`, which leads to the content's hash. For an attached content nothing is copied.
    [[nodiscard]] result<void> fill_from(const file& source, const hash_tree& tree);
    [[nodiscard]] result<void> copy_to(const std::filesystem::path& target);
    [[nodiscard]] result<void> copy_to(output_sink& out);

private:
    [[nodiscard]] error not_whole() const;
    [[nodiscard]] error removed() const;
    struct open_files {
        file content, tree, log;
    };
    using shared_files = std::shared_ptr<const open_files>;

    stored_content(const store_context& context, std::filesystem::path directory, content_record record);
    [[nodiscard]] result<shared_files> files();
    [[nodiscard]] result<shared_files> open_files_locked() const;
    [[nodiscard]] result<void> make_files();
    /// Somebody removed them: the content is there again, with nothing of it.
    [[nodiscard]] result<void> start_anew();
    [[nodiscard]] result<void> replay();
    [[nodiscard]] result<void> recover_unjournaled();
    [[nodiscard]] result<void> shorten_journal();
    void apply(const journal_record& record);
    /// Journals, and on success changes the state accordingly.
    [[nodiscard]] result<void> record_events(const open_files& files, std::vector<journal_record> records);
    /// Reads a chunk with its proof into one buffer and verifies it; false where it does not fit.
    [[nodiscard]] result<bool> read_region(const open_files& files, chunk_index chunk, mutable_byte_span region);
    void lose(const open_files& files, chunk_index chunk, std::string_view event = "chunk_altered_on_disk");
    /// The proof of a chunk that comes without one. errc::integrity_failed where the tree was never known; errc::io_failed where it was and
    /// does not lead to the root, and it is not known from then on: that is the disk's doing, and not of who gave the chunk.
    [[nodiscard]] result<void> own_proof(const open_files& files, chunk_index chunk, mutable_byte_span out);
    /// For as long as this object lives: the disk may give it again some day.
    void miss(chunk_index chunk, const error& why);
    void forget(chunk_index chunk);
    /// Whether verified or not.
    [[nodiscard]] std::optional<chunk_index> first_unreadable(const open_files& files) const;
    /// Before a chunk that the journal may still call verified is written again.
    [[nodiscard]] result<void> journal_loss(const open_files& files, chunk_index chunk);
    /// When this returns without error, what was written since failed_syncs() gave `failed_before` is on the disk. It fails too where any
    /// sync has failed since, whose ever: the system tells once that it lost bytes, and not whose they were.
    [[nodiscard]] result<void> sync(const file& written, std::uint64_t failed_before);
    [[nodiscard]] result<void> take_tree(const open_files& files, const hash_tree& tree);
    /// The chunks that are missing; `batch` holds those that are written and not committed when it fails.
    [[nodiscard]] result<void> copy_from(const open_files& files, const file& source, const hash_tree& tree, std::vector<chunk_index>& batch);
    [[nodiscard]] bool has(chunk_index chunk) const;
    /// A sync failed: that a node reads right does not tell that it is on the disk.
    [[nodiscard]] bool rewrites_nodes() const noexcept { return failed_syncs_ > 0; }
    /// From now until its commit the chunk is not overwritten by unverified bytes.
    void protect(chunk_index chunk);
    void unprotect(std::span<const chunk_index> chunks);
    [[nodiscard]] digest root() const;
    [[nodiscard]] std::uint64_t position_locked(std::uint64_t from) const;

    const store_context& context_;
    std::filesystem::path directory_;
    content_record record_;
    const chunk_geometry geometry_;

    std::mutex journal_mutex_;  // taken before state_mutex_
    journal journal_;
    std::atomic<bool> retired_{false};  // set with journal_mutex_
    bool journal_unsynced_ = false;  // a new journal's name is perhaps not on the disk yet
    bool half_made_ = false;         // start_anew() has begun and not ended well; changed with both mutexes held

    std::mutex sync_mutex_;  // a failure is counted before another sync can succeed; taken alone
    std::atomic<std::uint64_t> failed_syncs_{0};

    mutable std::mutex state_mutex_;
    chunk_set verified_;
    std::uint64_t appended_ = 0;         // journaled
    std::uint64_t staged_appended_ = 0;  // written, perhaps not journaled
    std::set<chunk_index> staged_;       // verified and written, not journaled
    std::set<chunk_index> missed_;       // lost, and the journal does not say so
    bool tree_known_ = false;
    bool tree_lost_ = false;             // it was, before something was lost
    bool whole_ = false;
    digest root_{};
    shared_files kept_open_;
    std::weak_ptr<const open_files> opened_;
};

}  // namespace p2pdist::detail
