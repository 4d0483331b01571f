#pragma once
// Windows' headers in the order in which they bear each other, and what every file of this folder does with handles and errors.

#ifndef NOMINMAX
#define NOMINMAX
#endif
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <winsock2.h>
#include <ws2tcpip.h>
// These two need the ones above.
#include <windows.h>

#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "p2pdist/base/result.hpp"

namespace p2pdist::windows {

struct handle_closer {
    using pointer = HANDLE;
    void operator()(HANDLE handle) const noexcept {
        if (handle != INVALID_HANDLE_VALUE) ::CloseHandle(handle);
    }
};
/// Null where a call of the system gave INVALID_HANDLE_VALUE or null.
using unique_handle = std::unique_ptr<void, handle_closer>;
inline unique_handle own(HANDLE handle) noexcept { return unique_handle(handle == INVALID_HANDLE_VALUE ? nullptr : handle); }

inline std::string text_of(DWORD code) { return std::system_category().message(static_cast<int>(code)); }

inline constexpr DWORD disk_quota_exceeded = 1295;  // ERROR_DISK_QUOTA_EXCEEDED, which not every set of headers has

inline errc code_of(DWORD code) noexcept {
    switch (code) {
        case ERROR_DISK_FULL:
        case ERROR_HANDLE_DISK_FULL:
        case disk_quota_exceeded:
        case ERROR_FILE_TOO_LARGE: return errc::no_space;
        case ERROR_FILE_NOT_FOUND:
        case ERROR_PATH_NOT_FOUND: return errc::not_found;
        case ERROR_FILE_EXISTS:
        case ERROR_ALREADY_EXISTS: return errc::already_exists;
        default: return errc::io_failed;
    }
}

/// "cannot write C:\x\y: There is not enough space on the disk." `what` is the verb.
inline error file_error(const std::filesystem::path& file, const char* what, DWORD code) {
    return {code_of(code), std::string("cannot ") + what + " " + file.string() + ": " + text_of(code)};
}

/// UTF-8 of the system's own text.
inline std::string narrow(std::wstring_view text) {
    const auto size = static_cast<int>(text.size());
    const int needed = ::WideCharToMultiByte(CP_UTF8, 0, text.data(), size, nullptr, 0, nullptr, nullptr);
    std::string out(static_cast<std::size_t>(needed > 0 ? needed : 0), '\0');
    ::WideCharToMultiByte(CP_UTF8, 0, text.data(), size, out.data(), needed, nullptr, nullptr);
    return out;
}

}  // namespace p2pdist::windows
