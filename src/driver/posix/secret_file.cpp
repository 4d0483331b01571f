#include "node/secret_file.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace p2pdist {
namespace fs = std::filesystem;
namespace {

error system_error(const fs::path& file, const char* what) {
    return {errc::io_failed, std::string("cannot ") + what + " " + file.string() + ": " + std::strerror(errno)};
}

bool write_all(int fd, byte_span content) {
    while (!content.empty()) {
        const auto written = ::write(fd, content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        content = content.subspan(static_cast<std::size_t>(written));
    }
    return ::fsync(fd) == 0;
}

void sync_directory(const fs::path& directory) {
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    ::fsync(fd);
    ::close(fd);
}

}  // namespace

result<void> write_secret_file(const fs::path& file, byte_span content) {
    auto temporary = file;
    temporary += ".new";
    const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return system_error(temporary, "write");
    const bool written = write_all(fd, content);
    ::close(fd);
    if (!written) return system_error(temporary, "write");
    if (::rename(temporary.c_str(), file.c_str()) != 0) return system_error(file, "replace");
    sync_directory(file.parent_path());
    return {};
}

result<bytes> read_secret_file(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        if (errno == ENOENT) return {errc::not_found, "there is no " + file.string()};
        return system_error(file, "read");
    }
    return bytes(std::istreambuf_iterator<char>(in), {});
}

result<void> make_private_directory(const fs::path& directory) {
    std::error_code failure;
    if (fs::is_directory(directory, failure)) return {};
    if (directory.has_parent_path()) fs::create_directories(directory.parent_path(), failure);
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return system_error(directory, "make the directory");
    return {};
}

}  // namespace p2pdist
