#pragma once
// The content store in memory: the same requests and answers as on disk, computed at once. For tests, the simulated world and
// embedders without a disk.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/base/random.hpp"
#include "p2pdist/content/store.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"

namespace p2pdist {

/// Lets the stores of many simulated nodes keep one copy of each chunk: a region that was verified once is recognised by
/// comparing bytes instead of hashing. Single-threaded, like the stores that share it.
class P2PDIST_API memory_chunk_pool final : public known_regions {
public:
    /// The region if it was added for this root and chunk and still lives in some store.
    [[nodiscard]] std::shared_ptr<const bytes> find(const digest& root, chunk_index chunk) const override;
    /// Remembers a region that was verified, as long as some store holds it.
    void add(const digest& root, chunk_index chunk, const std::shared_ptr<const bytes>& region);

private:
    std::map<std::pair<digest, chunk_index>, std::weak_ptr<const bytes>> regions_;
};

/// How large the store is, and what is wrong with it.
struct memory_store_options {
    std::uint64_t limit_bytes = UINT64_MAX;
    std::uint64_t volume_free_bytes = std::uint64_t{1} << 40;  ///< with nothing stored
    std::shared_ptr<memory_chunk_pool> pool{};                 ///< optional

    /// Asked before each request: an error here is its answer, and nothing happens (disk full, I/O error).
    std::function<std::optional<error>(const store_request&)> fault{};
    /// Asked before a chunk is read: true damages the stored bytes first (a corrupt disk).
    std::function<bool(const content_key&, chunk_index)> corrupt{};
};

/// Every function is synchronous; nothing is kept of a request but the memory it refers to. Distinct objects: safe. Shared: unsafe.
class P2PDIST_API memory_store {
public:
    /// `crypto` outlives the store.
    explicit memory_store(const crypto_suite& crypto, memory_store_options options = {});
    ~memory_store();
    memory_store(memory_store&&) noexcept;
    memory_store& operator=(memory_store&&) noexcept;

    /// Carries the request out, and answers it.
    [[nodiscard]] store_completion execute(const store_request& request);

    /// The files that store_import and store_attach read and store_export writes, by path.
    [[nodiscard]] std::map<std::string, bytes>& files() noexcept;

    /// A crash comes while this request is under way: all of it takes effect, a part of it that the store on disk could leave, or nothing.
    void interrupt(const store_request& request, random_source& random);
    /// What a crash does to a store: contents are no longer in use. All else is durable once execute() has returned.
    void restart();

private:
    class P2PDIST_LOCAL state;
    std::unique_ptr<state> state_;
};

/// A memory_store as the store of a client: nothing is on disk, all of it is gone with the process. An output file is an entry of
/// store().files(); to get at a content use a content_reader or an output_sink. Its client's executor is its thread.
class P2PDIST_API memory_content_store final : public content_store {
public:
    /// Empty; made when a client opens it.
    explicit memory_content_store(memory_store_options options = {}) : options_(std::move(options)) {}

    [[nodiscard]] result<void> open(const crypto_suite& crypto, completion_handler on_done) override;
    void submit(store_request request) override;
    /// What it holds stays, for store(); its client's executor is let go.
    void stop() override;
    /// After a client was made with it; from another thread than the client's executor, once that client is stopped. Once the client is
    /// gone, so is its crypto_suite: take what is wanted of files() and of chunks that are there, and let it import or hash nothing more.
    [[nodiscard]] memory_store& store() noexcept { return *store_; }

private:
    memory_store_options options_;
    std::optional<memory_store> store_;
    completion_handler on_done_;
};

}  // namespace p2pdist
