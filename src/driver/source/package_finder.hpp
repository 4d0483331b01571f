#pragma once
// Finds packages in a file store. Clients look at each read; for a server, whose share may be slow and have many files, it is done on a
// thread of its own and by what it has seen lately, so that whoever asks for what is not there costs a look at a table (SRV-5).

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include <asio/thread_pool.hpp>

#include "p2pdist/base/content_info.hpp"

namespace p2pdist {

/// The plain file of that name below the directory: no name leads out of it, neither by "..", nor from the root, nor by a symbolic link.
[[nodiscard]] std::optional<std::filesystem::path> plain_file_below(const std::filesystem::path& directory, const std::filesystem::path& name);

/// The file of a content in a file store: named by its id, or else by the hexadecimal digits of its hash, or else the first of the same
/// size among the directory's first limits::file_store_entries_max files. The tree file has ".tree" behind the same name. Symbolic links
/// below the directory are not followed.
[[nodiscard]] std::optional<std::filesystem::path> find_in_file_store(const std::filesystem::path& directory, const content_info& content);

/// The directory's first limits::file_store_entries_max files by their sizes, looked at again when that is limits::file_store_index_age
/// ago; and where nothing was found, when it has changed or was looked at a second ago. Distinct objects: safe. Shared: unsafe.
class package_index {
public:
    using time = std::chrono::steady_clock::time_point;
    explicit package_index(std::filesystem::path directory) : directory_(std::move(directory)) {}

    /// As find_in_file_store() does, but for files of other names that were altered in place within a second of the last look.
    [[nodiscard]] std::optional<std::filesystem::path> find(time now, const content_info& content);
    [[nodiscard]] std::size_t scans() const noexcept { return scans_; }

private:
    void scan(time now);
    [[nodiscard]] std::optional<std::filesystem::path> of_size(std::uint64_t size_bytes) const;

    /// When a file was last put there, taken away or renamed.
    [[nodiscard]] std::filesystem::file_time_type changed_at() const;

    std::filesystem::path directory_;
    std::filesystem::file_time_type changed_{};
    std::map<std::uint64_t, std::vector<std::filesystem::path>> by_size_;
    std::optional<time> looked_;
    std::size_t scans_ = 0;
};

/// An index and its thread. find() is safe to call from any thread.
class package_finder {
public:
    using handler = std::function<void(std::optional<std::filesystem::path>)>;
    explicit package_finder(std::filesystem::path directory) : index_(std::move(directory)), thread_(1) {}
    /// Drops what has not begun, and waits for what has.
    ~package_finder();
    package_finder(const package_finder&) = delete;
    package_finder& operator=(const package_finder&) = delete;

    /// Returns at once; `then` is called on the finder's thread.
    void find(content_info content, handler then);

private:
    package_index index_;   // of the thread
    asio::thread_pool thread_;
};

}  // namespace p2pdist
