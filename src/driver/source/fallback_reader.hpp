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

}  // namespace p2pdist
