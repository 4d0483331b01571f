#pragma once
// Reads fallback sources (SRC-2) for a client core: the CDN by libcurl, the file store as files. Each request has a thread of its
// own while it lasts, at most limits::fallback_readers_max; what it reads is posted to the executor in pieces, and it waits while
// the core is behind.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>

#include <asio/any_io_executor.hpp>

#include "p2pdist/client/client_core.hpp"

namespace p2pdist {

struct fallback_handlers {
    std::function<void(std::uint64_t request, std::uint64_t offset, shared_bytes data)> data;
    std::function<void(std::uint64_t request, std::optional<error> failure)> done;
};

class fallback_reader {
public:
    fallback_reader(const asio::any_io_executor& executor, std::optional<std::filesystem::path> file_store, fallback_handlers handlers);
    /// Cancels everything and waits for the threads; no handler runs after that.
    ~fallback_reader();
    fallback_reader(const fallback_reader&) = delete;
    fallback_reader& operator=(const fallback_reader&) = delete;

    void start(fallback_request request);
    void cancel(std::uint64_t request);

private:
    class implementation;
    std::shared_ptr<implementation> self_;
};

/// The file of a content in a file store: named by its id, or else by the hexadecimal digits of its hash, or else the first of the same
/// size among the directory's first limits::file_store_entries_max files. The tree file has ".tree" behind the same name. Symbolic links below
/// the directory are not followed.
[[nodiscard]] std::optional<std::filesystem::path> find_in_file_store(const std::filesystem::path& directory, const content_info& content);
/// The same, by its name alone.
[[nodiscard]] std::optional<std::filesystem::path> named_in_file_store(const std::filesystem::path& directory, const content_info& content);

}  // namespace p2pdist
