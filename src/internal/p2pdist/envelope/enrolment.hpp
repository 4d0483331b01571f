#pragma once
// Enrolment: an ephemeral X25519 exchange, authenticated both ways by the organisation's enrolment key (SEC-1). A recording of it
// plus that key, leaked later, decrypts nothing. Four datagrams: enrol_hello, enrol_answer, enrol_request, enrol_grant.

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <variant>

#include "p2pdist/base/datagram.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/base/result.hpp"
#include "p2pdist/envelope/credentials.hpp"
#include "p2pdist/envelope/version.hpp"

namespace p2pdist {

/// What the server gives a new member.
struct enrolment_grant {
    credentials held;    ///< the member's own
    certificate server;  ///< the server's, for its X25519 key
    bytes opaque;        ///< what the roles agree on beside (licence grant, port plan, servers): at most enrolment_opaque_bytes_max
    friend bool operator==(const enrolment_grant&, const enrolment_grant&) = default;
};

struct enrolment_client_config {
    secret_key enrolment_key{};
    path way;            ///< own small-message port, and the server's 34323
    bytes client_info;   ///< opaque to this room, read by the server core: at most enrolment_opaque_bytes_max
    version_range versions;
};

/// The joining side. Pure: drive it with datagrams and time until outcome() has a value. Distinct objects: safe. Shared: unsafe.
class P2PDIST_INTERNAL enrolment_client {
public:
    /// The crypto suite and the entropy must outlive it.
    enrolment_client(const crypto_suite& crypto, entropy& random, node_identity self, enrolment_client_config config);
    ~enrolment_client();
    enrolment_client(enrolment_client&&) noexcept;
    enrolment_client& operator=(enrolment_client&&) noexcept;

    /// Begins, or begins anew with fresh keys after an error.
    void start(time_point now);
    /// Takes enrol_answer, enrol_grant and version_refused; all else is ignored.
    void on_datagram(time_point now, wall_time wall, const received_datagram& datagram);
    [[nodiscard]] std::optional<send_datagram> poll();
    [[nodiscard]] time_point deadline() const noexcept;
    void on_timer(time_point now);

    /// Empty while it runs. Errors: not_authorised (the enrolment key is not the server's), refused (with the server's text),
    /// version_unsupported (naming the side to update), malformed (a grant that contradicts itself, or a wrong clock),
    /// timed_out (no answer in enrolment_attempts_max tries).
    [[nodiscard]] const std::optional<result<enrolment_grant>>& outcome() const noexcept;
    /// What outcome() would say if no better answer came: not_authorised, version_unsupported or timed_out. The first two rest on
    /// answers that are not authenticated.
    [[nodiscard]] error suspicion() const;

private:
    class core;
    std::unique_ptr<core> core_;
};

/// A device that proved to have the enrolment key and the secret of `key` asks to become a member.
struct enrolment_request {
    std::uint64_t handle = 0;  ///< for grant() or refuse()
    public_key key{};
    client_id id;
    path way;
    bytes client_info;
};

using enrolment_output = std::variant<send_datagram, enrolment_request>;

struct enrolment_server_config {
    secret_key enrolment_key{};
    version_range versions;
    std::size_t pending_max = limits::enrolment_pending_max;
    short_key bucket_key{};  ///< a secret of the server's own, for the table that tells sources apart
    std::size_t rate_sources = limits::rate_sources;
};

struct enrolment_counters {
    std::uint64_t malformed = 0;
    std::uint64_t wrong_key = 0;     ///< hellos whose tag does not fit
    std::uint64_t bad_request = 0;   ///< requests that do not decrypt
    std::uint64_t unknown = 0;       ///< requests without a hello
    std::uint64_t version = 0;
    std::uint64_t duplicates = 0;    ///< answered from memory
    std::uint64_t rate_limited = 0;
    std::uint64_t displaced = 0;     ///< enrolments given up for newer ones, unfinished or answered
    std::uint64_t given_up = 0;      ///< enrolments with too many requests that did not decrypt
    std::uint64_t granted = 0;
    std::uint64_t refused = 0;
};

/// The server's side. Distinct objects: safe. Shared: unsafe.
class P2PDIST_INTERNAL enrolment_server {
public:
    /// The crypto suite and the entropy must outlive it.
    enrolment_server(const crypto_suite& crypto, entropy& random, enrolment_server_config config);
    ~enrolment_server();
    enrolment_server(enrolment_server&&) noexcept;
    enrolment_server& operator=(enrolment_server&&) noexcept;

    /// A new enrolment key: exchanges under the old one end.
    void set_enrolment_key(const secret_key& key);

    /// Takes enrol_hello and enrol_request; all else is ignored. Never answers with more bytes than came before the device is known.
    void on_datagram(time_point now, const received_datagram& datagram);
    /// Answers a request; repeated requests get the same bytes for enrolment_linger. False where the handle is gone or answered,
    /// or `what.opaque` is too long.
    bool grant(time_point now, std::uint64_t handle, const enrolment_grant& what);
    /// `reason` is shown to whoever installs the device; cut to enrolment_reason_bytes_max.
    bool refuse(time_point now, std::uint64_t handle, std::string_view reason);

    [[nodiscard]] std::optional<enrolment_output> poll();
    [[nodiscard]] time_point deadline() const noexcept;
    void on_timer(time_point now);

    [[nodiscard]] const enrolment_counters& counters() const noexcept;
    [[nodiscard]] std::size_t pending() const noexcept;

private:
    class core;
    std::unique_ptr<core> core_;
};

}  // namespace p2pdist
