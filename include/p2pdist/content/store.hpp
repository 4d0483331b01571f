#pragma once
// The seam between a core and its content store: requests and completions as values. driver/file_store.hpp keeps contents on
// disk, content/memory_store.hpp in memory (tests, simulation, embedders); both answer every request exactly once.
//
// Requests may be answered in any order: one that depends on another is sent after the other's completion.
//
// The life of a download: store_open{create} reserves the space and tells which chunks are verified already; store_write_chunk
// for each chunk that arrives (or store_append and store_finish, where nothing can be verified before the end);
// store_read_chunk serves others meanwhile; store_export writes the output file; store_close lets go.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "p2pdist/base/content_info.hpp"
#include "p2pdist/base/datagram.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/base/result.hpp"
#include "p2pdist/content/chunk_geometry.hpp"
#include "p2pdist/content/chunk_set.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"

namespace p2pdist {

// ---- requests ------------------------------------------------------------------------------------------------------------------

/// Puts a content in use: until as many store_close follow, it is not evicted. Answer: store_opened.
/// Without `create`: errc::not_found where the store has nothing of it. With it, an entry is made and its space reserved:
/// least recently used contents are evicted for it, and errc::no_space (evicting nothing) where that would not be enough, be it
/// for the store's limit or the volume's free space (CLI-3). errc::invalid_argument: same key, another size.
struct store_open {
    content_info content;
    bool create = false;
};

/// Takes one store_open back. Answer: store_done; errc::not_found where it is not in use. Never errc::limit_reached: nobody asks again.
struct store_close {
    content_key key;
};

/// One verified chunk with its proof, as a region of the proven object. Needs no store_open, but keep one for a content that is
/// being served. The bytes are checked against the tree again: where the disk has altered them the answer is
/// errc::integrity_failed, and the chunk counts as missing from then on; errc::io_failed where the disk does not give it, and it
/// counts as missing until the next start. Answer: store_region; errc::not_found where the chunk is not there. A region serves many
/// datagrams: ask once a chunk and keep it while it is being sent.
struct store_read_chunk {
    content_key key;
    chunk_index chunk = 0;
};

/// A chunk that arrived, for a sha256_tree content in use. `proof` holds its siblings as raw bytes from the leaves up (see
/// split_region); it may be empty where the whole tree is known. Hashed off the caller's thread. Answer: store_written, after
/// which the chunk survives a crash (CLI-4): written, journaled and synced, many chunks per sync. errc::integrity_failed: bytes or
/// proof don't fit the root, nothing was written; errc::no_space, errc::io_failed: the chunk counts as missing (also where the disk has
/// altered the tree that should have proven it: the next store_open says that it is not known).
/// A chunk that is already there is done at once.
struct store_write_chunk {
    content_key key;
    chunk_index chunk = 0;
    shared_bytes proof;
    shared_bytes data;
};

/// Bytes in order that can't be verified yet, for a content in use: plain SHA-256 contents, and a tree content from a fallback
/// source without a tree file. `offset` lies between the end of what was appended before and where store_opened/store_appended would
/// now go on, behind the verified chunks that follow; errc::invalid_argument otherwise: the next store_open says where. At most
/// limits::store_append_bytes_max a request. Verified chunks are never overwritten.
/// Answer: store_appended; the bytes survive a crash, but are served to nobody before store_finish.
struct store_append {
    content_key key;
    std::uint64_t offset = 0;
    shared_bytes data;
};

/// The last byte was appended: reads and hashes the whole. Where it fits, every chunk is verified and the tree is complete (for a
/// plain hash: the local tree is made). Answer: store_opened. errc::integrity_failed: what was appended is dropped, verified
/// chunks stay. errc::io_failed: the disk does not give something, or altered chunks that were verified, which are missing now: the
/// next store_open says where to go on. errc::invalid_argument: bytes are missing.
struct store_finish {
    content_key key;
};

/// A tree file (tree_file.hpp) for a sha256_tree content in use; proven against the root, then kept. What was appended before is
/// checked chunk by chunk. Answer: store_opened; errc::malformed or errc::integrity_failed.
struct store_install_tree {
    content_key key;
    shared_bytes tree_file;
};

/// The tree file of a whole content. Answer: store_tree; errc::not_found where the tree is incomplete.
struct store_read_tree {
    content_key key;
};

/// Hashes a file of this device and copies it into the store. `id`: default is default_content_id. `expected`: the hash of the
/// catalogue, of either kind; the file must fit it (errc::integrity_failed). Without it a sha256_tree content results.
/// Answer: store_content, whole. errc::not_found, errc::no_space, errc::io_failed.
struct store_import {
    std::optional<content_id> id;
    std::optional<content_hash> expected;
    std::string path;
};

/// Makes a file of this device readable as a content without copying it: the server's file store (SRV-5). Reads it once to make
/// the tree, which is kept as a cache; a file changed later is read and checked again at its next store_attach. It takes nothing
/// of the store's limit and is never evicted. Where the store has the content itself, that stays: what is missing of it is filled from
/// the file. Answer: store_content; errc::integrity_failed where it does not fit; errc::refused while another file of it is in use.
struct store_attach {
    content_info content;
    std::string path;
};

/// Where an export can go instead of a path: a file, or anything like one, that whoever wants it opened with rights of his own. Used by
/// the store's threads, one call at a time.
class P2PDIST_API output_sink {
public:
    virtual ~output_sink() = default;
    /// Comes first. What is not written afterwards are zeros.
    [[nodiscard]] virtual result<void> resize(std::uint64_t size_bytes) = 0;
    /// At any offset within the size, in any order.
    [[nodiscard]] virtual result<void> write_at(std::uint64_t offset, byte_span data) = 0;
    /// Returns when all of it is on the disk.
    [[nodiscard]] virtual result<void> sync() = 0;
};

/// Writes the output file: under another name beside it, verified while it is copied, synced, then renamed, replacing what stood
/// there (CLI-6). Answer: store_content. errc::not_found: not in the store; errc::refused: not whole; errc::integrity_failed:
/// the disk altered a chunk or does not give it, and it counts as missing from then on. errc::no_space: the volume of the output
/// file is full; nothing is left of it there. errc::io_failed: it cannot be written there for another reason.
struct store_export {
    content_key key;
    std::string path;
    std::shared_ptr<output_sink> sink = nullptr;  ///< instead of the path; what it got is worth nothing until the answer says so
};

/// A pinned content is never evicted. Survives a restart. Answer: store_done.
struct store_pin {
    content_key key;
    bool pinned = true;
};

/// Answer: store_done; errc::refused while it is in use.
struct store_remove {
    content_key key;
};

/// Reads and hashes every chunk that counts as verified; those that don't fit any more count as missing from then on.
/// Answer: store_checked.
struct store_verify {
    content_key key;
};

/// Answer: store_listing, ordered by key.
struct store_list {};

/// Changes the limit and evicts down to it. Answer: store_statistics.
struct store_set_limit {
    std::uint64_t limit_bytes = 0;
};

/// Answer: store_statistics.
struct store_measure {};

/// Chosen by the asker; the completion carries it. Unique among its unanswered requests.
using store_request_id = std::uint64_t;

/// One request, under the number that its completion carries.
struct store_request {
    store_request_id id = 0;
    std::variant<store_open, store_close, store_read_chunk, store_write_chunk, store_append, store_finish, store_install_tree, store_read_tree,
                 store_import, store_attach, store_export, store_pin, store_remove, store_verify, store_list, store_set_limit, store_measure>
        operation;
};

// ---- answers -------------------------------------------------------------------------------------------------------------------

/// It is done, and there is nothing to say.
struct store_done {};

/// Regions that are known to be right already: what a store that shares its chunks with others can say, so that bytes that are equal to
/// them need not be kept once more while they arrive. Distinct objects: safe. Shared: unsafe.
class known_regions {
public:
    virtual ~known_regions() = default;
    /// A chunk's proof and bytes; null where they are not known.
    [[nodiscard]] virtual std::shared_ptr<const bytes> find(const digest& root, chunk_index chunk) const = 0;

protected:
    known_regions() = default;
    known_regions(const known_regions&) = default;
    known_regions& operator=(const known_regions&) = default;
};

/// What the store has of a content.
struct store_opened {
    chunk_set verified;
    std::uint64_t appended_bytes = 0;  ///< unverified bytes from the start that are there: where store_append goes on
    bool tree_known = false;           ///< all of the tree: chunks can be written without proofs
    bool whole = false;                ///< every byte verified against the content's hash
    digest tree_root{};                ///< of the proofs that store_read_chunk gives; zero for a plain hash that is not whole
    std::shared_ptr<const known_regions> known{};   ///< optional
};

/// A chunk with its proof.
struct store_region {
    chunk_index chunk = 0;
    shared_bytes region;  ///< proof, then bytes: chunk_geometry::region(chunk).length
};

/// The chunk is verified and on the disk.
struct store_written {
    chunk_index chunk = 0;
};

/// The bytes are on the disk.
struct store_appended {
    std::uint64_t appended_bytes = 0;  ///< where the next store_append goes on; beyond verified chunks
};

/// The tree file of a whole content.
struct store_tree {
    shared_bytes tree_file;
};

/// A content that is whole now, here or where it was exported to.
struct store_content {
    content_info content;
};

/// What a check found.
struct store_checked {
    chunk_index chunks_checked = 0;
    chunk_set corrupt;
};

/// A content in the store.
struct store_entry {
    content_info content;
    std::uint64_t verified_bytes = 0;
    bool whole = false;
    bool pinned = false;
    bool attached = false;       ///< by store_attach: lies elsewhere
    std::uint32_t use_count = 0;  ///< store_open without store_close
    std::uint64_t last_used = 0;  ///< grows with each use; the smallest is evicted first
};

/// All contents.
struct store_listing {
    std::vector<store_entry> entries;
};

/// How full the store is.
struct store_statistics {
    std::uint64_t used_bytes = 0;         ///< sizes of all contents, reserved ones included, attached ones not
    std::uint64_t evictable_bytes = 0;    ///< of these: neither in use nor pinned
    std::uint64_t limit_bytes = 0;
    std::uint64_t volume_free_bytes = 0;  ///< "free storage" (CLI-5)
    std::uint64_t usable_bytes = 0;       ///< "usable storage" (CLI-5): what the store may still take, evicting included
    std::uint32_t contents = 0;
};

/// `value` holds the alternative that the request names; with `failure` it is store_done.
struct store_completion {
    store_request_id id = 0;
    std::optional<error> failure;
    std::variant<store_done, store_opened, store_region, store_written, store_appended, store_tree, store_content, store_checked, store_listing,
                 store_statistics>
        value;
    std::vector<content_key> evicted;  ///< contents that made room for this request: no longer held

    [[nodiscard]] bool ok() const noexcept { return !failure; }
};

/// Where a client of an Asio program keeps its contents, where not in files (client_options::store). Called from one thread at a time.
class P2PDIST_API content_store {
public:
    /// Takes the answer to a request.
    using completion_handler = std::function<void(store_completion)>;
    virtual ~content_store() = default;

    /// Comes first, and once. `on_done` may be called from any thread, also from within submit(). `crypto` lives until after stop().
    [[nodiscard]] virtual result<void> open(const crypto_suite& crypto, completion_handler on_done) = 0;
    /// Every request is answered once, in any order. Does not block for long. Where it throws, a client answers with errc::io_failed itself.
    virtual void submit(store_request request) = 0;
    /// What is open is answered with its result or errc::cancelled; when this returns, on_done is called no more, and is gone: it refers to
    /// an executor, which the store may outlive. Throws nothing.
    virtual void stop() = 0;
};

}  // namespace p2pdist
