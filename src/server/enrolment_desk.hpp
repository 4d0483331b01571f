#pragma once
// Makes devices that know the enrolment key members of the organisation (SEC-1): a certificate for their key, of the current epoch.

#include <optional>

#include "p2pdist/envelope/enrolment.hpp"
#include "p2pdist/envelope/revocation_list.hpp"
#include "server_state.hpp"

namespace p2pdist {

/// The server's own papers, made from its configuration.
class certificate_office {
public:
    certificate_office(const crypto_suite& crypto, const server_config& config);

    [[nodiscard]] const node_identity& identity() const noexcept { return identity_; }
    /// For a client or for the server itself, until `wall` plus the configured lifetime.
    [[nodiscard]] credentials issue(role who, const public_key& key, std::uint16_t key_epoch, wall_time wall) const;
    void sign(revocation_list& list) const { sign_revocations(*crypto_, signing_, list); }
    [[nodiscard]] bool is_own(const revocation_list& list) const { return verify_revocations(*crypto_, signing_public_, list); }
    /// renew_reply's content; nothing where no key can be agreed.
    [[nodiscard]] std::optional<bytes> seal(entropy& random_bytes, const public_key& member, const public_key& ephemeral,
                                            const enrolment_grant& grant) const;

private:
    [[nodiscard]] secret_key group_key(std::uint16_t key_epoch) const;

    const crypto_suite* crypto_;
    node_identity identity_;
    secret_key signing_;
    public_key signing_public_;
    secret_key group_;
    std::int64_t lifetime_seconds_;
};

class enrolment_desk {
public:
    enrolment_desk(const crypto_suite& crypto, entropy& random_bytes, const server_config& config);

    void set_key(const secret_key& key) { server_.set_enrolment_key(key); }
    void on_datagram(time_point now, const received_datagram& datagram) { server_.on_datagram(now, datagram); }
    void on_timer(time_point now) { server_.on_timer(now); }
    [[nodiscard]] time_point deadline() const noexcept { return server_.deadline(); }

    struct enrolled {
        client_id id;
        public_key key{};
        std::string host_name;
    };
    using output = std::variant<send_datagram, enrolled>;
    /// Answers what waits. `server_certificate` is what the server itself shows in sessions.
    [[nodiscard]] std::optional<output> poll(time_point now, wall_time wall, const server_state& state, const certificate_office& papers,
                                             const certificate& server_certificate);

private:
    [[nodiscard]] result<register_request> judge(const enrolment_request& request, const server_state& state) const;

    enrolment_server server_;
};

}  // namespace p2pdist
