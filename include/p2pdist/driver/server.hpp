#pragma once
// The server in an Asio program: server_core with sockets, SQL catalogue, file store and the connectors' encrypted channel (DTLS).
// All members are called on the executor's thread.

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <asio/any_io_executor.hpp>

#include "p2pdist/base/export.hpp"
#include "p2pdist/server/server_core.hpp"

namespace p2pdist {

/// What a server is opened with.
struct server_options {
    std::filesystem::path data;                       ///< as `initialise_server` made it
    ip_address bind;                                  ///< own address in the organisation's network
    std::uint8_t prefix_bits = 24;
    port_plan ports;
    std::string database_url;                         ///< empty: as initialise_server recorded it
    std::optional<std::filesystem::path> file_store;  ///< SRV-5
    duration heartbeat_interval = std::chrono::seconds(60);
    log_sink log;
    bool plain_udp = false;
};

/// What an administrator is shown once.
struct server_secrets {
    secret_key security{};    ///< for the connector (CON-2)
    secret_key enrolment{};   ///< for the clients (SEC-1)
};
/// Makes the data directory (mode 0700), its keys and its database. errc::already_exists where there is one already.
[[nodiscard]] P2PDIST_API result<server_secrets> initialise_server(const std::filesystem::path& data, const std::string& database_url, const std::string& name,
                                                       const std::optional<ip_address>& address);
/// The two keys that an administrator hands out.
enum class server_key { security, enrolment };
/// A new key in place of the old one; a running server follows within a second.
[[nodiscard]] P2PDIST_API result<secret_key> rotate_server_key(const std::filesystem::path& data, server_key which);

/// Keys as people type them: groups of hexadecimal digits; reading ignores spaces, line ends and dashes.
[[nodiscard]] P2PDIST_API std::string key_to_text(const secret_key& key);
/// errc::malformed where it is no key of 32 bytes.
[[nodiscard]] P2PDIST_API result<secret_key> key_from_text(std::string_view text);
/// A file that holds such a text. errc::not_found, errc::io_failed, errc::malformed.
[[nodiscard]] P2PDIST_API result<secret_key> read_key_file(const std::filesystem::path& file);

/// A server in an Asio program. All members on the executor's thread (one strand); events come there too.
class P2PDIST_API server {
public:
    /// std::system_error whose what() says what to do.
    server(const asio::any_io_executor& executor, server_options options);
    ~server();
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    /// Events as values, in order.
    void set_event_handler(std::function<void(const server_event&)> handler);
    /// The core inside, for its statistics.
    [[nodiscard]] const server_core& core() const noexcept;
    /// Commits what is pending, closes ports and channels; the io_context then runs out of work. Idempotent.
    void stop();

private:
    class P2PDIST_LOCAL implementation;
    std::shared_ptr<implementation> self_;
};

}  // namespace p2pdist
