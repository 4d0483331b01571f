#include "local/passed_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace p2pdist {
namespace {

#ifdef MSG_CMSG_CLOEXEC
constexpr int receive_flags = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
#else
constexpr int receive_flags = MSG_DONTWAIT;
#endif
#ifdef MSG_NOSIGNAL
constexpr int send_flags = MSG_NOSIGNAL;
#else
constexpr int send_flags = 0;
#endif

error write_error(const char* what) {
    const auto code = errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? errc::no_space : errc::io_failed;
    return {code, std::string("the output file: cannot ") + what + ": " + std::strerror(errno)};
}

/// Keeps the first descriptor that came, closes all others.
std::shared_ptr<passed_file> take_file(msghdr& message) {
    std::shared_ptr<passed_file> out;
    for (auto* item = CMSG_FIRSTHDR(&message); item != nullptr; item = CMSG_NXTHDR(&message, item)) {
        if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS) continue;
        const auto count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int descriptor = -1;
            std::memcpy(&descriptor, CMSG_DATA(item) + i * sizeof descriptor, sizeof descriptor);
            auto file = std::make_shared<passed_file>(descriptor);
            if (!out) out = std::move(file);
        }
    }
    return out;
}

}  // namespace

passed_file::~passed_file() { ::close(descriptor_); }

bool passed_file::is_writable_file() const noexcept {
    struct stat about {};
    const int mode = ::fcntl(descriptor_, F_GETFL);
    return ::fstat(descriptor_, &about) == 0 && S_ISREG(about.st_mode) && mode >= 0 && (mode & O_ACCMODE) != O_RDONLY && (mode & O_APPEND) == 0;
}

result<void> passed_file::resize(std::uint64_t size_bytes) {
    // Whatever was in it before goes first: what is not written afterwards has to read as zeros.
    if (::ftruncate(descriptor_, 0) != 0 || ::ftruncate(descriptor_, static_cast<off_t>(size_bytes)) != 0) return write_error("resize it");
    return {};
}

result<void> passed_file::write_at(std::uint64_t offset, byte_span data) {
    while (!data.empty()) {
        const auto count = ::pwrite(descriptor_, data.data(), data.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return write_error("write");
        data = data.subspan(static_cast<std::size_t>(count));
        offset += static_cast<std::uint64_t>(count);
    }
    return {};
}

result<void> passed_file::sync() {
    if (::fsync(descriptor_) != 0) return write_error("sync it");
    return {};
}

passed_bytes receive_passed(int socket, mutable_byte_span room) {
    constexpr std::size_t descriptors_max = 4;  // of more the system closes the rest by itself
    alignas(cmsghdr) std::array<char, CMSG_SPACE(descriptors_max * sizeof(int))> control{};
    iovec part{room.data(), room.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    ssize_t count = 0;
    do count = ::recvmsg(socket, &message, receive_flags);
    while (count < 0 && errno == EINTR);
    passed_bytes out;
    if (count < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK) out.what = passed_bytes::state::none_yet;
        return out;
    }
    out.file = take_file(message);
    if (count == 0) return out;
    out.what = passed_bytes::state::some;
    out.size = static_cast<std::size_t>(count);
    return out;
}

bool send_passed(int socket, std::string_view data, int descriptor) {
    while (!data.empty()) {
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
        iovec part{const_cast<char*>(data.data()), data.size()};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        if (descriptor >= 0) {
            message.msg_control = control.data();
            message.msg_controllen = control.size();
            auto* item = CMSG_FIRSTHDR(&message);
            item->cmsg_level = SOL_SOCKET;
            item->cmsg_type = SCM_RIGHTS;
            item->cmsg_len = CMSG_LEN(sizeof descriptor);
            std::memcpy(CMSG_DATA(item), &descriptor, sizeof descriptor);
        }
        const auto count = ::sendmsg(socket, &message, send_flags);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        descriptor = -1;
        data.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
}

}  // namespace p2pdist
