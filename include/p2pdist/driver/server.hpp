#pragma once
// The server in an Asio program: server_core with sockets, SQL catalogue, file store and the connectors' encrypted channel (DTLS).
// It runs on the strand that it is given, or on one of its own.

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <asio/any_io_executor.hpp>

#include "p2pdist/base/export.hpp"
#include "p2pdist/driver/async_operation.hpp"
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

/// A server in an Asio program. What begins with async_ may be called from any thread; all else on get_executor(), or on the one thread
/// that runs all of it; events come there too.
class P2PDIST_API server {
public:
    /// As Asio's own objects name it.
    using executor_type = asio::any_io_executor;

    /// std::system_error whose what() says what to do.
    server(const executor_type& executor, server_options options);
    /// The same, on the executor of an execution context: `server central{io, options}`.
    template <detail::execution_context_of Context>
    server(Context& context, server_options options) : server(executor_type(context.get_executor()), std::move(options)) {}
    /// As stop().
    ~server();
    server(const server&) = delete;
    server& operator=(const server&) = delete;

    /// The strand on which it runs.
    [[nodiscard]] executor_type get_executor() const noexcept;

    /// Events as values, in order. The handler may set another one, stop the server, or destroy it; what it throws leaves the executor's run().
    void set_event_handler(std::function<void(const server_event&)> handler);
    /// The core inside, for its statistics.
    [[nodiscard]] const server_core& core() const noexcept;
    /// Commits what is pending, closes ports and channels; the io_context then runs out of work. Idempotent.
    void stop();
    /// The same from any thread; completes with (std::error_code), none, when it is done.
    template <class Token>
    auto async_stop(Token&& token) {
        return detail::initiator<std::error_code>::start(get_executor(), [self = self_](stop_completion done) {
            return prepare_stop(self, std::move(done));
        }, std::forward<Token>(token));
    }

private:
    class P2PDIST_LOCAL implementation;
    using stop_completion = std::unique_ptr<detail::completion<std::error_code>>;
    static detail::prepared_operation prepare_stop(const std::shared_ptr<implementation>& self, stop_completion done);

    std::shared_ptr<implementation> self_;
};

}  // namespace p2pdist
