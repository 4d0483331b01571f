#pragma once
// The content store on disk (CLI-3, CLI-4): answers the requests of content/store.hpp on its own threads.
// docs/content-format.md describes its directory.

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/base/log.hpp"
#include "p2pdist/base/result.hpp"
#include "p2pdist/content/store.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"

namespace p2pdist {

/// A kind of step on the disk.
enum class store_io : std::uint8_t { open, create, read, write, resize, sync, make_directory, rename, remove, sync_directory };

/// A step that the store is about to take on the disk, for file_store_options::fault. Refers to the caller's memory.
struct store_step {
    store_io what = store_io::read;
    const std::filesystem::path& path;
    std::uint64_t offset = 0;                       ///< of read and write; of resize: the new size
    std::uint64_t bytes = 0;                        ///< of read and write
    byte_span data{};                               ///< of write
    const std::filesystem::path* target = nullptr;  ///< of rename: the new name
};

/// Where the store is and how large it may become.
struct file_store_options {
    std::filesystem::path directory{};  ///< made where it is missing; one file_store at a time uses it
    std::uint64_t limit_bytes = UINT64_MAX;
    /// How long a write waits for others, so that they share one sync to disk: up to limits::store_commit_delay_max.
    std::chrono::milliseconds commit_delay{10};

    // For tests: what a full or failing disk does, and what a power cut would leave. Called from the store's threads.
    std::function<std::uint64_t()> volume_free_bytes{};                      ///< instead of asking the system
    std::function<std::optional<errc>(const store_step&)> fault{};           ///< a value makes that step fail so, undone
};

/// Three threads: one reads and keeps the books, one writes and syncs, one does what takes long (import, export, whole-content
/// checks). Memory does not depend on the contents' sizes but for a bit a chunk, and 64 bytes a chunk while a tree is made.
/// All functions are safe to call from any thread.
class P2PDIST_API file_store {
public:
    /// Called once for each request, from a thread of the store; it must not block for long nor call stop().
    using completion_handler = std::function<void(store_completion)>;

    /// Opens the directory: reads the journals, hashes what was written but not journaled (CLI-4), and removes what an
    /// interrupted import left. `crypto` outlives the store. errc::io_failed; errc::refused where another process has it open.
    [[nodiscard]] static result<std::unique_ptr<file_store>> open(file_store_options options, const crypto_suite& crypto,
                                                                  completion_handler on_done, log_sink log = {});
    /// Calls stop().
    ~file_store();
    file_store(const file_store&) = delete;
    file_store& operator=(const file_store&) = delete;

    /// Never blocks on the disk. Over limits::store_requests_max or limits::store_write_bytes_max the answer, from this call, is
    /// errc::limit_reached; after stop() it is errc::cancelled.
    void submit(store_request request);

    /// Commits the writes that have begun, answers all else with errc::cancelled, and ends the threads. Blocks; idempotent.
    void stop();

private:
    class P2PDIST_LOCAL impl;
    explicit file_store(std::unique_ptr<impl> state);
    std::unique_ptr<impl> impl_;
};

}  // namespace p2pdist
