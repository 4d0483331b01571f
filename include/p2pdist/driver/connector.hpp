#pragma once
// The connector in an Asio program: requests to the server over DTLS 1.2 (CON-2), from UDP 34320 to the server's 34323.

#include <functional>
#include <memory>

#include <asio/any_io_executor.hpp>

#include "p2pdist/base/address.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/base/log.hpp"
#include "p2pdist/connector/connector_core.hpp"
#include "p2pdist/wire/port_plan.hpp"

namespace p2pdist {

/// What a connector is made with.
struct connector_options {
    ip_address server;
    ip_address bind;                 ///< unspecified: any
    secret_key security_key{};
    port_plan ports;
    duration timeout = std::chrono::seconds(15);       ///< for the handshake and for each answer
    duration port_wait = std::chrono::seconds(5);      ///< CON-1: a second connector on one address waits so long
    log_sink log;
};

/// A connector in an Asio program. All members on the executor's thread (one strand); handlers come there too.
class P2PDIST_API connector {
public:
    /// Takes the reply, or why there is none.
    using answer_handler = std::function<void(result<message_body>)>;

    /// Never throws for the network: a port in use, for longer than port_wait, fails the requests and says who holds it.
    connector(const asio::any_io_executor& executor, connector_options options);
    ~connector();
    connector(const connector&) = delete;
    connector& operator=(const connector&) = delete;

    /// The handler is called once, on the executor: with the reply, or with an error whose sentence says what to do (wrong key, no
    /// server at that address, version, ...). An error_reply of the server is given as an error too.
    void request(message_body body, answer_handler handler);
    /// Ends the channel properly; open requests fail with errc::cancelled.
    void stop();

private:
    class P2PDIST_LOCAL implementation;
    std::shared_ptr<implementation> self_;
};

}  // namespace p2pdist
