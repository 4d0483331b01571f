#include "p2pdist/driver/output_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "posix/file_error.hpp"
#include "store/file.hpp"

namespace p2pdist {
namespace {

constexpr mode_t file_mode = 0666;  // less what the program's umask takes away

/// A file without a name vanishes with its program, however that ends. It gets its name through /proc.
int make_nameless(int directory) {
#ifdef O_TMPFILE
    if (::access("/proc/self/fd", X_OK) == 0) return ::openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, file_mode);
#endif
    (void)directory;
    return -1;
}

bool give_name(int file, int directory, const std::string& name) {
#ifdef O_TMPFILE
    ::unlinkat(directory, name.c_str(), 0);
    const auto path = "/proc/self/fd/" + std::to_string(file);
    return ::linkat(AT_FDCWD, path.c_str(), directory, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
#else
    return false;
#endif
}

/// Whether that name in that directory is this very file.
bool is_same(int file, int directory, const std::string& name) {
    struct stat own {}, found {};
    return ::fstat(file, &own) == 0 && ::fstatat(directory, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0 && own.st_dev == found.st_dev &&
           own.st_ino == found.st_ino;
}

}  // namespace

result<output_file> output_file::create(const std::filesystem::path& target) {
    output_file out;
    std::error_code failure;
    out.target_ = std::filesystem::absolute(target, failure).lexically_normal();
    if (failure || !out.target_.has_filename()) return {errc::invalid_argument, "'" + target.string() + "' names no file"};
    const auto parent = out.target_.parent_path();
    out.directory_ = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (out.directory_ < 0) return file_error(parent, "write to");
    struct stat there {};
    const bool exists = ::fstatat(out.directory_, out.target_.filename().c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0;
    if (exists && !S_ISREG(there.st_mode) && !S_ISLNK(there.st_mode))
        return {errc::invalid_argument, out.target_.string() + " is there and is no file: give another name"};
    if (const auto made = out.make_temporary(); !made) return made.error();
    return out;
}

result<void> output_file::make_temporary() {
    file_ = make_nameless(directory_);
    if (file_ >= 0) return {};
    const auto name = detail::temporary_name(target_);
    ::unlinkat(directory_, name.c_str(), 0);  // of a program that was killed
    file_ = ::openat(directory_, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, file_mode);
    if (file_ < 0) return file_error(target_.parent_path(), "write to");
    named_ = true;
    return {};
}

output_file::output_file(output_file&& other) noexcept
    : target_(std::move(other.target_)), directory_(std::exchange(other.directory_, -1)), file_(std::exchange(other.file_, -1)),
      named_(std::exchange(other.named_, false)) {}

output_file::~output_file() {
    const auto name = detail::temporary_name(target_);
    if (named_ && is_same(file_, directory_, name)) ::unlinkat(directory_, name.c_str(), 0);
    if (file_ >= 0) ::close(file_);
    if (directory_ >= 0) ::close(directory_);
}

result<void> output_file::publish(std::uint64_t size_bytes) {
    struct stat about {};
    if (::fstat(file_, &about) != 0) return file_error(target_, "write");
    if (static_cast<std::uint64_t>(about.st_size) != size_bytes)
        return {errc::integrity_failed, target_.string() + ": the client wrote " + std::to_string(about.st_size) + " bytes instead of " + std::to_string(size_bytes)};
    if (::fsync(file_) != 0) return file_error(target_, "write");
    const auto name = detail::temporary_name(target_);
    if (!named_ && !give_name(file_, directory_, name)) return file_error(target_, "write");
    named_ = true;
    if (!is_same(file_, directory_, name)) return {errc::refused, target_.string() + ": another program is writing to it"};
    if (::renameat(directory_, name.c_str(), directory_, target_.filename().c_str()) != 0) return file_error(target_, "replace");
    named_ = false;
    ::fsync(directory_);
    return {};
}

}  // namespace p2pdist
