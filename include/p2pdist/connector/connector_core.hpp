#pragma once
// The connector as a pure core: requests to the server and their answers, of any size, inside one encrypted channel (CON-1, CON-2).
// The channel itself (DTLS) is the driver's; here are plaintext records. A request is repeated by its id when the channel had to be
// made anew, and takes effect once.
//
// Distinct objects: safe. Shared: unsafe.

#include <memory>
#include <optional>
#include <variant>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/base/time.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"
#include "p2pdist/wire/messages.hpp"

namespace p2pdist {

/// Names a request.
struct connector_handle {
    std::uint64_t value = 0;
    friend auto operator<=>(const connector_handle&, const connector_handle&) = default;
};
/// One plaintext record for the server, at most secure_channel_record_bytes_max (message/secure_channel_link.hpp).
struct connector_record {
    bytes record;
};
/// The server has answered.
struct connector_answer {
    connector_handle request;
    message_body body;   ///< error_reply where the server refused
};
/// No answer: errc::timed_out, errc::version_unsupported (the sentence names the side to update), or what the message layer says.
struct connector_failure {
    connector_handle request;
    error why;
};
/// What the driver is to carry out, in order.
using connector_output = std::variant<connector_record, connector_answer, connector_failure>;

/// One connector, driven like every core. Distinct objects: safe from any thread. Shared: unsafe. Crypto and entropy must outlive it.
class P2PDIST_API connector_core {
public:
    /// `request_timeout`: for each answer, from the moment its request was made, or the server was heard last.
    connector_core(const crypto_suite& crypto, entropy& random_bytes, std::uint64_t jitter_seed, duration request_timeout = std::chrono::seconds(30));
    ~connector_core();
    connector_core(connector_core&&) noexcept;
    connector_core& operator=(connector_core&&) noexcept;

    /// Sends when the channel is open; exactly one answer or failure follows.
    connector_handle request(time_point now, message_body body);

    /// The channel is open; `exporter` is the association's own key material. Open requests are sent (again).
    void on_channel_opened(time_point now, const secret_key& exporter);
    /// The channel is gone; open requests wait for the next one.
    void on_channel_closed(time_point now);
    /// A plaintext record of the server.
    void on_record(time_point now, byte_span record);
    /// deadline() has come; sooner does no harm.
    void on_timer(time_point now);

    /// The next output; nothing when all has been given.
    [[nodiscard]] std::optional<connector_output> poll(time_point now);
    /// When on_timer() wants to be called; `never` where it need not be.
    [[nodiscard]] time_point deadline() const;
    [[nodiscard]] bool idle() const noexcept;   ///< no request is open

private:
    class P2PDIST_LOCAL implementation;
    std::unique_ptr<implementation> self_;
};

}  // namespace p2pdist
