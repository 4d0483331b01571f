#include <functional>

#include <asio/buffer.hpp>
#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/read_until.hpp>

#include "local/passed_file.hpp"
#include "local/peer_credentials.hpp"
#include "node/secret_file.hpp"
#include "p2pdist/driver/local_service.hpp"

namespace p2pdist {
namespace fs = std::filesystem;

fs::path local_socket_path(const fs::path& data) {
    constexpr std::size_t path_bytes_max = 100;
    const auto absolute = plain_directory(data);
    const auto inside = absolute / "control.sock";
    if (inside.string().size() <= path_bytes_max) return inside;
    return short_socket_directory(absolute) / (std::to_string(std::hash<std::string>{}(absolute.string())) + ".sock");
}

result<void> local_call(const fs::path& data, const std::string& request_line, const std::function<bool(const std::string& line)>& on_line,
                        const output_file* output) {
    asio::io_context io;
    asio::local::stream_protocol::socket socket(io);
    std::error_code failure;
    socket.connect(asio::local::stream_protocol::endpoint(local_socket_path(data).string()), failure);
    if (failure)
        return {errc::unreachable, "no client runs on " + data.string() + " (" + failure.message() + "): start `p2pdist-client run --data " + data.string() + " ...`"};
    // Whoever else listens there would learn what is asked for, get a descriptor of ours, and could answer what it likes.
    if (!listener_owns(socket.native_handle(), data))
        return {errc::refused, "the program that listens on " + local_socket_path(data).string() + " is not run by the owner of " + data.string() + ": do not trust it"};
    if (!send_passed(socket.native_handle(), request_line + "\n", output == nullptr ? -1 : output->descriptor())) return {};
    std::string input;
    while (!failure) {
        const auto size = asio::read_until(socket, asio::dynamic_buffer(input), '\n', failure);
        if (failure) break;
        const auto line = input.substr(0, size - 1);
        input.erase(0, size);
        if (!on_line(line)) return {};
    }
    return {};
}

}  // namespace p2pdist
