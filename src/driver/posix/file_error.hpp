#pragma once
// What the operating system says of a file, as an error of ours.

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>

#include "p2pdist/base/result.hpp"

namespace p2pdist {

/// Of the errno that is set: "cannot write /var/lib/x: No space left on device". `what` is the verb.
inline error file_error(const std::filesystem::path& file, const char* what) {
    const auto code = errno == ENOENT || errno == ENOTDIR ? errc::not_found : errno == ENOSPC || errno == EDQUOT ? errc::no_space : errc::io_failed;
    return {code, std::string("cannot ") + what + " " + file.string() + ": " + std::strerror(errno)};
}

}  // namespace p2pdist
