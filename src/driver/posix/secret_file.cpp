#include "node/secret_file.hpp"

#include <cerrno>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "p2pdist/driver/device.hpp"
#include "posix/file_error.hpp"
#include "store/file.hpp"

namespace p2pdist {
namespace fs = std::filesystem;
namespace {

bool write_all(int fd, byte_span content) {
    while (!content.empty()) {
        const auto written = ::write(fd, content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        content = content.subspan(static_cast<std::size_t>(written));
    }
    return ::fsync(fd) == 0;
}

/// Who reads what is replaced may be another than who replaces it: a service, where an administrator gives it a new key.
result<void> give_to_owner_of(int fd, const fs::path& replaced) {
    struct stat about {};
    if (::lstat(replaced.c_str(), &about) != 0 || about.st_uid == ::geteuid()) return {};
    if (::fchown(fd, about.st_uid, about.st_gid) == 0) return {};
    return {errc::refused, replaced.string() + " belongs to another user, who could not read it any more: do this as that user, or as root"};
}

/// Where others may write, what is there need not be ours.
error writable_by_others(const fs::path& path) {
    return {errc::refused, "everybody may write to " + path.string() + ", and could have put a key of his own there: look who did, then `chmod o-w " +
                               path.string() + "`"};
}

}  // namespace

result<void> write_secret_file(const fs::path& file, byte_span content) {
    auto temporary = file;
    temporary += ".new";
    ::unlink(temporary.c_str());  // of a crash; never written into, whoever may have put it there
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return file_error(temporary, "write");
    auto written = give_to_owner_of(fd, file);
    if (written && !write_all(fd, content)) written = file_error(temporary, "write");
    ::close(fd);
    if (!written) {
        ::unlink(temporary.c_str());
        return written;
    }
    if (::rename(temporary.c_str(), file.c_str()) != 0) return file_error(file, "replace");
    return detail::sync_directory(file.parent_path());
}

result<bytes> read_secret_file(const fs::path& file) {
    const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        if (errno == ENOENT) return {errc::not_found, "there is no " + file.string()};
        return file_error(file, "read");
    }
    // Straight into what is given back, in one piece: no copy of it stays behind in a buffer.
    struct stat about {};
    const bool regular = ::fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
    if (regular && (about.st_mode & S_IWOTH) != 0) {
        ::close(fd);
        return writable_by_others(file);
    }
    if (regular && static_cast<std::size_t>(about.st_size) > secret_file_bytes_max) {
        ::close(fd);
        return secret_file_too_long(file);
    }
    bytes out(regular ? static_cast<std::size_t>(about.st_size) : std::size_t{4096});
    std::size_t size = 0;
    ssize_t count = 0;
    while (size < out.size() && ((count = ::read(fd, out.data() + size, out.size() - size)) > 0 || (count < 0 && errno == EINTR))) {
        if (count > 0) size += static_cast<std::size_t>(count);
    }
    const auto failed = count < 0 ? std::optional(file_error(file, "read")) : std::nullopt;
    ::close(fd);
    if (failed) return *failed;
    out.resize(size);
    return out;
}

std::string secret_file_exposure(const fs::path& file) {
    struct stat about {};
    constexpr mode_t others = 0077;
    if (::stat(file.c_str(), &about) != 0 || !S_ISREG(about.st_mode) || (about.st_mode & others) == 0) return {};
    return "others than its owner may read " + file.string() + ": `chmod 600 " + file.string() + "`";
}

result<void> make_private_directory(const fs::path& given) {
    const auto directory = plain_directory(given);
    struct stat about {};
    if (::stat(directory.c_str(), &about) == 0 && S_ISDIR(about.st_mode)) {
        if ((about.st_mode & S_IWOTH) != 0) return writable_by_others(directory);
        return {};
    }
    const auto parent = directory.parent_path();
    if (auto made = detail::make_directories(parent); !made) return made;
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return file_error(directory, "make the directory");
    return detail::sync_directory(parent);
}

}  // namespace p2pdist
