#include "node/secret_file.hpp"

#include <algorithm>

#include "p2pdist/driver/device.hpp"
#include "windows/private_access.hpp"

namespace p2pdist {
namespace fs = std::filesystem;
namespace {

using windows::file_error;

bool write_all(HANDLE file, byte_span content) {
    while (!content.empty()) {
        DWORD written = 0;
        if (::WriteFile(file, content.data(), static_cast<DWORD>(std::min(content.size(), std::size_t{1} << 20)), &written, nullptr) == 0 || written == 0)
            return false;
        content = content.subspan(written);
    }
    return ::FlushFileBuffers(file) != 0;
}

}  // namespace

result<void> write_secret_file(const fs::path& file, byte_span content) {
    auto temporary = file;
    temporary += L".new";
    ::DeleteFileW(temporary.c_str());  // of a crash; never written into, whoever may have put it there
    windows::private_access access(windows::file_rules);
    if (!access.good()) return file_error(temporary, "protect", ::GetLastError());
    auto opened = windows::own(::CreateFileW(temporary.c_str(), GENERIC_WRITE, 0, access.get(), CREATE_NEW, FILE_ATTRIBUTE_NORMAL, nullptr));
    if (!opened) return file_error(temporary, "write", ::GetLastError());
    if (!write_all(opened.get(), content)) return file_error(temporary, "write", ::GetLastError());
    opened.reset();
    if (::MoveFileExW(temporary.c_str(), file.c_str(), MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH) == 0)
        return file_error(file, "replace", ::GetLastError());
    return {};
}

result<bytes> read_secret_file(const fs::path& file) {
    const auto opened = windows::own(::CreateFileW(file.c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr));
    if (!opened) {
        const auto code = ::GetLastError();
        if (windows::code_of(code) == errc::not_found) return {errc::not_found, "there is no " + file.string()};
        return file_error(file, "read", code);
    }
    LARGE_INTEGER length{};
    if (::GetFileSizeEx(opened.get(), &length) == 0) return file_error(file, "read", ::GetLastError());
    if (length.QuadPart > static_cast<LONGLONG>(secret_file_bytes_max)) return secret_file_too_long(file);
    // Straight into what is given back, in one piece: no copy of it stays behind in a buffer.
    bytes out(static_cast<std::size_t>(length.QuadPart));
    std::size_t size = 0;
    while (size < out.size()) {
        DWORD count = 0;
        if (::ReadFile(opened.get(), out.data() + size, static_cast<DWORD>(out.size() - size), &count, nullptr) == 0) return file_error(file, "read", ::GetLastError());
        if (count == 0) break;
        size += count;
    }
    out.resize(size);
    return out;
}

/// Access lists are inherited here, and who may read is not told by a mode.
std::string secret_file_exposure(const fs::path&) { return {}; }

result<void> make_private_directory(const fs::path& given) {
    const auto directory = plain_directory(given);
    std::error_code failure;
    if (fs::is_directory(directory, failure)) return {};
    if (directory.has_parent_path()) fs::create_directories(directory.parent_path(), failure);
    windows::private_access access(windows::directory_rules);
    if (!access.good()) return file_error(directory, "protect", ::GetLastError());
    if (::CreateDirectoryW(directory.c_str(), access.get()) == 0 && ::GetLastError() != ERROR_ALREADY_EXISTS)
        return file_error(directory, "make the directory", ::GetLastError());
    return {};
}

}  // namespace p2pdist
