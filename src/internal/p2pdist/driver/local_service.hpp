#pragma once
// How other programs on this device ask a running client (CLI-1): JSON lines over a local socket in the client's data directory,
// mode 0600; each side checks who the other one is. One request a connection; answers are lines, the last one has "event":"complete" or "failed".
// docs/local-socket.md lists the requests.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include <asio/any_io_executor.hpp>

#include "p2pdist/client/client_core.hpp"
#include "p2pdist/driver/output_file.hpp"

namespace p2pdist {

class client;

/// The serving side, for one client. The client must outlive it. All members on the executor's thread.
class local_service {
public:
    /// std::system_error where the socket cannot be made, e.g. because a client already runs on this data directory.
    local_service(const asio::any_io_executor& executor, client& served, const std::filesystem::path& data);
    ~local_service();
    local_service(const local_service&) = delete;
    local_service& operator=(const local_service&) = delete;

    /// Hand every event of the client on to here.
    void on_event(const client_event& event);
    void stop();

private:
    class implementation;
    std::shared_ptr<implementation> self_;
};

/// The asking side, blocking: sends one request line and gives each answer line to `on_line` until the service closes the
/// connection or `on_line` gives false. `output` goes along for a request with "descriptor":true. errc::unreachable where no client runs
/// on that data directory; errc::refused where the one that listens is another user's.
[[nodiscard]] result<void> local_call(const std::filesystem::path& data, const std::string& request_line,
                                      const std::function<bool(const std::string& line)>& on_line, const output_file* output = nullptr);

/// The socket's path; a long data directory gets a short one elsewhere, since systems limit a socket's path to about 100 bytes.
[[nodiscard]] std::filesystem::path local_socket_path(const std::filesystem::path& data);

}  // namespace p2pdist
