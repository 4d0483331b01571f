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
#include "p2pdist/base/time.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"
#include "p2pdist/wire/messages.hpp"

namespace p2pdist {

struct connector_handle {
    std::uint64_t value = 0;
    friend auto operator<=>(const connector_handle&, const connector_handle&) = default;
};
/// One plaintext record for the server, at most secure_channel_record_bytes_max (message/secure_channel_link.hpp).
struct connector_record {
    bytes record;
};
struct connector_answer {
    connector_handle request;
    message_body body;   ///< error_reply where the server refused
};
struct connector_failure {
    connector_handle request;
    error why;
};
using connector_output = std::variant<connector_record, connector_answer, connector_failure>;

class connector_core {
public:
    connector_core(const crypto_suite& crypto, entropy& random_bytes, std::uint64_t jitter_seed, duration request_timeout = std::chrono::seconds(30));
    ~connector_core();
    connector_core(connector_core&&) noexcept;
    connector_core& operator=(connector_core&&) noexcept;

    /// Sends when the channel is open; exactly one answer or failure follows.
    connector_handle request(time_point now, message_body body);

    /// The channel is open; `exporter` is the association's own key material. Open requests are sent (again).
    void on_channel_opened(time_point now, const secret_key& exporter);
    void on_channel_closed(time_point now);
    void on_record(time_point now, byte_span record);
    void on_timer(time_point now);

    [[nodiscard]] std::optional<connector_output> poll(time_point now);
    [[nodiscard]] time_point deadline() const;
    [[nodiscard]] bool idle() const noexcept;   ///< no request is open

private:
    class implementation;
    std::unique_ptr<implementation> self_;
};

}  // namespace p2pdist
