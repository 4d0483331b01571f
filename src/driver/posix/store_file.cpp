#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "store/file.hpp"

namespace p2pdist::detail {

namespace {

int descriptor_of(std::intptr_t handle) noexcept { return static_cast<int>(handle); }

errc code_of(int number) {
    switch (number) {
        case ENOSPC:
        case EDQUOT:
        case EFBIG: return errc::no_space;
        case ENOENT:
        case ENOTDIR: return errc::not_found;
        case EEXIST: return errc::already_exists;
        default: return errc::io_failed;
    }
}

error system_error_of(const std::filesystem::path& path, const char* what, int number) {
    return {code_of(number), path.string() + ": cannot " + what + ": " + std::strerror(number)};
}

}  // namespace

result<file> file::open(const std::filesystem::path& path, mode how, const io_fault* fault) {
    int flags = O_CLOEXEC | O_NONBLOCK;   // a FIFO would hold the thread up until somebody writes; a plain file takes no notice
    switch (how) {
        case mode::read: flags |= O_RDONLY; break;
        case mode::read_write: flags |= O_RDWR; break;
        case mode::create_new: flags |= O_RDWR | O_CREAT | O_EXCL; break;
        case mode::create_or_open: flags |= O_RDWR | O_CREAT; break;
    }
    file opened;
    opened.path_ = path;
    opened.fault_ = fault;
    const bool creates = how == mode::create_new || how == mode::create_or_open;
    if (auto failure = opened.injected(creates ? store_io::create : store_io::open)) return *failure;
    opened.handle_ = ::open(path.c_str(), flags, 0644);
    if (opened.handle_ < 0) return opened.failed("open");
    struct stat about {};
    if (::fstat(descriptor_of(opened.handle_), &about) != 0) return opened.failed("open");
    if (!S_ISREG(about.st_mode)) return {errc::io_failed, path.string() + ": not a regular file"};
    return opened;
}

file::~file() {
    if (handle_ >= 0) ::close(descriptor_of(handle_));
}

error file::failed(const char* what) const { return system_error_of(path_, what, errno); }

result<void> file::read_at(std::uint64_t offset, mutable_byte_span out) const {
    if (auto fault = injected(store_io::read, offset, out.size())) return *fault;
    while (!out.empty()) {
        const auto count = ::pread(descriptor_of(handle_), out.data(), out.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return failed("read");
        if (count == 0) return {errc::io_failed, path_.string() + ": shorter than it was"};
        out = out.subspan(static_cast<std::size_t>(count));
        offset += static_cast<std::uint64_t>(count);
    }
    return {};
}

result<void> file::write_at(std::uint64_t offset, byte_span data) const {
    if (auto fault = injected(store_io::write, offset, data.size(), data)) return *fault;
    while (!data.empty()) {
        const auto count = ::pwrite(descriptor_of(handle_), data.data(), data.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return failed("write");
        data = data.subspan(static_cast<std::size_t>(count));
        offset += static_cast<std::uint64_t>(count);
    }
    return {};
}

result<void> file::sync() const {
    if (auto fault = injected(store_io::sync)) return *fault;
    if (::fdatasync(descriptor_of(handle_)) != 0) return failed("sync");
    struct stat about {};
    if (::fstat(descriptor_of(handle_), &about) != 0) return failed("measure");
    if (about.st_nlink == 0) return {errc::io_failed, path_.string() + ": was removed while it was in use"};
    return {};
}

result<void> file::resize(std::uint64_t size) const {
    if (auto fault = injected(store_io::resize, size)) return *fault;
    if (::ftruncate(descriptor_of(handle_), static_cast<off_t>(size)) != 0) return failed("resize");
    return {};
}

result<std::uint64_t> file::size() const {
    struct stat about {};
    if (::fstat(descriptor_of(handle_), &about) != 0) return failed("measure");
    return static_cast<std::uint64_t>(about.st_size);
}

std::optional<byte_range> file::next_data(std::uint64_t from) const {
    const auto end_of_file = size();
    if (!end_of_file || from >= *end_of_file) return std::nullopt;
    const auto start = ::lseek(descriptor_of(handle_), static_cast<off_t>(from), SEEK_DATA);
    if (start < 0 && errno == ENXIO) return std::nullopt;
    // A file system that knows no holes has only data.
    if (start < 0) return byte_range{from, *end_of_file - from};
    const auto end = ::lseek(descriptor_of(handle_), start, SEEK_HOLE);
    const auto first = static_cast<std::uint64_t>(start);
    return byte_range{first, (end < 0 ? *end_of_file : static_cast<std::uint64_t>(end)) - first};
}

bool file::try_lock() const { return ::flock(descriptor_of(handle_), LOCK_EX | LOCK_NB) == 0; }

result<void> sync_directory(const std::filesystem::path& path, const io_fault* fault) {
    if (auto failure = injected_at(fault, {store_io::sync_directory, path})) return *failure;
    const int descriptor = ::open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return system_error_of(path, "open", errno);
    const int status = ::fsync(descriptor);
    const int number = errno;
    ::close(descriptor);
    // Some network file systems cannot sync a directory; their rename is durable by itself.
    if (status != 0 && number != EINVAL) return system_error_of(path, "sync", number);
    return {};
}

result<void> rename_synced(const std::filesystem::path& from, const std::filesystem::path& to, const io_fault* fault) {
    if (auto failure = injected_at(fault, {store_io::rename, from, 0, 0, {}, &to})) return *failure;
    if (::rename(from.c_str(), to.c_str()) != 0) return system_error_of(to, "rename to", errno);
    return sync_directory(to.parent_path(), fault);
}

}  // namespace p2pdist::detail
