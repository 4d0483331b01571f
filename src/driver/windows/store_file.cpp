#include "store/file.hpp"

#include <algorithm>

#include "windows/system.hpp"

#include <winioctl.h>

namespace p2pdist::detail {

namespace {

using windows::code_of;

HANDLE handle_of(std::intptr_t opened) noexcept { return reinterpret_cast<HANDLE>(opened); }

error system_error_of(const std::filesystem::path& path, const char* what, DWORD code) {
    return {code_of(code), path.string() + ": cannot " + what + ": " + windows::text_of(code)};
}

/// A place in the file, for one call.
OVERLAPPED at(std::uint64_t offset) noexcept {
    OVERLAPPED place{};
    place.Offset = static_cast<DWORD>(offset);
    place.OffsetHigh = static_cast<DWORD>(offset >> 32);
    return place;
}

DWORD piece(std::size_t size) noexcept { return static_cast<DWORD>(std::min(size, std::size_t{1} << 30)); }

}  // namespace

result<file> file::open(const std::filesystem::path& path, mode how, const io_fault* fault) {
    DWORD access = GENERIC_READ;
    DWORD disposition = OPEN_EXISTING;
    switch (how) {
        case mode::read: break;
        case mode::read_write: access |= GENERIC_WRITE; break;
        case mode::create_new: access |= GENERIC_WRITE, disposition = CREATE_NEW; break;
        case mode::create_or_open: access |= GENERIC_WRITE, disposition = OPEN_ALWAYS; break;
    }
    file opened;
    opened.path_ = path;
    opened.fault_ = fault;
    const bool creates = how == mode::create_new || how == mode::create_or_open;
    if (auto failure = opened.injected(creates ? store_io::create : store_io::open)) return *failure;
    // Like elsewhere, an open file can be renamed over and removed.
    const HANDLE handle = ::CreateFileW(path.c_str(), access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr, disposition,
                                        FILE_ATTRIBUTE_NORMAL, nullptr);
    if (handle == INVALID_HANDLE_VALUE) return opened.failed("open");
    opened.handle_ = reinterpret_cast<std::intptr_t>(handle);
    if (::GetFileType(handle) != FILE_TYPE_DISK) return {errc::io_failed, path.string() + ": not a regular file"};
    DWORD ignored = 0;  // a volume that knows no holes refuses, and has only data
    if (creates) ::DeviceIoControl(handle, FSCTL_SET_SPARSE, nullptr, 0, nullptr, 0, &ignored, nullptr);
    return opened;
}

file::~file() {
    if (handle_ != -1) ::CloseHandle(handle_of(handle_));
}

error file::failed(const char* what) const { return system_error_of(path_, what, ::GetLastError()); }

result<void> file::read_at(std::uint64_t offset, mutable_byte_span out) const {
    if (auto fault = injected(store_io::read, offset, out.size())) return *fault;
    while (!out.empty()) {
        auto place = at(offset);
        DWORD count = 0;
        if (::ReadFile(handle_of(handle_), out.data(), piece(out.size()), &count, &place) == 0 && ::GetLastError() != ERROR_HANDLE_EOF) return failed("read");
        if (count == 0) return {errc::io_failed, path_.string() + ": shorter than it was"};
        out = out.subspan(count);
        offset += count;
    }
    return {};
}

result<void> file::write_at(std::uint64_t offset, byte_span data) const {
    if (auto fault = injected(store_io::write, offset, data.size(), data)) return *fault;
    while (!data.empty()) {
        auto place = at(offset);
        DWORD count = 0;
        if (::WriteFile(handle_of(handle_), data.data(), piece(data.size()), &count, &place) == 0) return failed("write");
        data = data.subspan(count);
        offset += count;
    }
    return {};
}

result<void> file::sync() const {
    if (auto fault = injected(store_io::sync)) return *fault;
    if (::FlushFileBuffers(handle_of(handle_)) == 0) return failed("sync");
    FILE_STANDARD_INFO about{};
    if (::GetFileInformationByHandleEx(handle_of(handle_), FileStandardInfo, &about, sizeof about) == 0) return failed("measure");
    if (about.DeletePending || about.NumberOfLinks == 0) return {errc::io_failed, path_.string() + ": was removed while it was in use"};
    return {};
}

result<void> file::resize(std::uint64_t size) const {
    if (auto fault = injected(store_io::resize, size)) return *fault;
    FILE_END_OF_FILE_INFO end{};
    end.EndOfFile.QuadPart = static_cast<LONGLONG>(size);
    if (::SetFileInformationByHandle(handle_of(handle_), FileEndOfFileInfo, &end, sizeof end) == 0) return failed("resize");
    return {};
}

result<std::uint64_t> file::size() const {
    LARGE_INTEGER size{};
    if (::GetFileSizeEx(handle_of(handle_), &size) == 0) return failed("measure");
    return static_cast<std::uint64_t>(size.QuadPart);
}

std::optional<byte_range> file::next_data(std::uint64_t from) const {
    const auto end_of_file = size();
    if (!end_of_file || from >= *end_of_file) return std::nullopt;
    FILE_ALLOCATED_RANGE_BUFFER wanted{}, found{};
    wanted.FileOffset.QuadPart = static_cast<LONGLONG>(from);
    wanted.Length.QuadPart = static_cast<LONGLONG>(*end_of_file - from);
    DWORD bytes = 0;
    const bool done = ::DeviceIoControl(handle_of(handle_), FSCTL_QUERY_ALLOCATED_RANGES, &wanted, sizeof wanted, &found, sizeof found, &bytes, nullptr) != 0;
    // More ranges than fit is no failure here, and a volume that knows no holes has only data.
    if (!done && ::GetLastError() != ERROR_MORE_DATA) return byte_range{from, *end_of_file - from};
    if (bytes < sizeof found) return std::nullopt;
    const auto first = std::max(from, static_cast<std::uint64_t>(found.FileOffset.QuadPart));
    const auto end = std::min(*end_of_file, static_cast<std::uint64_t>(found.FileOffset.QuadPart + found.Length.QuadPart));
    if (first >= end) return std::nullopt;
    return byte_range{first, end - first};
}

bool file::try_lock() const {
    // A lock keeps others from reading and writing what it covers: so it covers a byte that no file of ours reaches.
    auto place = at(std::uint64_t{1} << 62);
    return ::LockFileEx(handle_of(handle_), LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &place) != 0;
}

result<void> sync_directory(const std::filesystem::path& path, const io_fault* fault) {
    if (auto failure = injected_at(fault, {store_io::sync_directory, path})) return *failure;
    const auto& directory = path.empty() ? std::filesystem::path(".") : path;
    const auto opened = windows::own(::CreateFileW(directory.c_str(), GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                                   nullptr, OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, nullptr));
    if (!opened) return system_error_of(path, "open", ::GetLastError());
    if (::FlushFileBuffers(opened.get()) != 0) return {};
    const auto code = ::GetLastError();
    // Not every file system can sync a directory; its journal keeps the order of names, and a rename is written through by itself.
    if (code != ERROR_ACCESS_DENIED && code != ERROR_INVALID_FUNCTION && code != ERROR_NOT_SUPPORTED) return system_error_of(path, "sync", code);
    return {};
}

result<void> rename_synced(const std::filesystem::path& from, const std::filesystem::path& to, const io_fault* fault) {
    if (auto failure = injected_at(fault, {store_io::rename, from, 0, 0, {}, &to})) return *failure;
    if (::MoveFileExW(from.c_str(), to.c_str(), MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH) == 0) return system_error_of(to, "rename to", ::GetLastError());
    return sync_directory(to.parent_path(), fault);
}

}  // namespace p2pdist::detail
