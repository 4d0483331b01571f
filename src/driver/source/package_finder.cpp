#include "source/package_finder.hpp"

#include <utility>

#include <asio/post.hpp>

#include "p2pdist/base/limits.hpp"

namespace p2pdist {
namespace fs = std::filesystem;

namespace {

constexpr auto index_age_least = std::chrono::seconds(1);  // who asks for what is not there causes no more scans than this

bool is_plain(const fs::directory_entry& entry) {
    std::error_code unreadable;
    return fs::is_regular_file(entry.symlink_status(unreadable)) && !unreadable;
}

/// Each plain file among the first of the directory, until `go_on` says no.
template <class GoOn>
void visit(const fs::path& directory, GoOn go_on) {
    std::error_code failure;
    std::size_t looked_at = 0;
    for (fs::directory_iterator entry(directory, failure), end; !failure && entry != end && looked_at < limits::file_store_entries_max;
         entry.increment(failure), ++looked_at) {
        if (!is_plain(*entry)) continue;
        std::error_code unreadable;
        const auto size = entry->file_size(unreadable);
        if (!unreadable && !go_on(entry->path(), size)) return;
    }
}

std::optional<fs::path> named(const fs::path& directory, const content_info& content) {
    for (const auto& name : {content.id.text(), to_hex(content.hash.value)}) {
        if (auto path = plain_file_below(directory, name)) return path;
    }
    return std::nullopt;
}

bool is_still(const fs::path& path, std::uint64_t size) {
    std::error_code unreadable;
    const fs::directory_entry entry(path, unreadable);
    return !unreadable && is_plain(entry) && entry.file_size(unreadable) == size && !unreadable;
}

}  // namespace

std::optional<fs::path> plain_file_below(const fs::path& directory, const fs::path& name) {
    if (name.empty() || name.is_absolute() || name.has_root_name()) return std::nullopt;
    auto path = directory;
    fs::file_status status;
    for (const auto& part : name) {
        if (part.empty() || part == "." || part == "..") return std::nullopt;
        path /= part;
        std::error_code failure;
        status = fs::symlink_status(path, failure);
        if (failure || fs::is_symlink(status)) return std::nullopt;
    }
    return fs::is_regular_file(status) ? std::optional(path) : std::nullopt;
}

std::optional<fs::path> find_in_file_store(const fs::path& directory, const content_info& content) {
    auto found = named(directory, content);
    // Published without an id of its own, a package lies there under the name that it always had: the size tells, and the hash decides
    // when it is read.
    if (!found) {
        visit(directory, [&](const fs::path& path, std::uint64_t size) {
            if (size == content.size_bytes) found = path;
            return !found;
        });
    }
    return found;
}

void package_index::scan(time now) {
    looked_ = now;
    changed_ = changed_at();  // before it is read, so that what comes meanwhile is seen next time
    ++scans_;
    by_size_.clear();
    visit(directory_, [this](const fs::path& path, std::uint64_t size) {
        by_size_[size].push_back(path);
        return true;
    });
}

std::optional<fs::path> package_index::find(time now, const content_info& content) {
    if (auto path = named(directory_, content)) return path;
    if (!looked_ || now - *looked_ >= limits::file_store_index_age) scan(now);
    if (auto path = of_size(content.size_bytes)) return path;
    // It may have come since, as what is published right after it was put here does.
    if (now - *looked_ < index_age_least && changed_at() == changed_) return std::nullopt;
    scan(now);
    return of_size(content.size_bytes);
}

fs::file_time_type package_index::changed_at() const {
    std::error_code failure;
    const auto when = fs::last_write_time(directory_, failure);
    return failure ? fs::file_time_type{} : when;
}

std::optional<fs::path> package_index::of_size(std::uint64_t size_bytes) const {
    const auto found = by_size_.find(size_bytes);
    if (found == by_size_.end()) return std::nullopt;
    for (const auto& path : found->second) {
        if (is_still(path, size_bytes)) return path;
    }
    return std::nullopt;
}

package_finder::~package_finder() {
    thread_.stop();
    thread_.join();
}

void package_finder::find(content_info content, handler then) {
    asio::post(thread_, [this, content = std::move(content), then = std::move(then)] {
        then(index_.find(std::chrono::steady_clock::now(), content));
    });
}

}  // namespace p2pdist
