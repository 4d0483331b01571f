#include "sql/database_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace p2pdist {

result<void> make_database_file(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file >= 0) {
        ::close(file);
        return {};
    }
    if (errno == EEXIST) return {};
    return {errc::database_failed,
            "can't create the database " + path + ": " + std::strerror(errno) + "; create its directory and let this user write to it"};
}

}  // namespace p2pdist
