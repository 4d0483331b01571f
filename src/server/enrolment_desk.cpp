#include "enrolment_desk.hpp"

#include "p2pdist/base/limits.hpp"
#include "p2pdist/envelope/renewal.hpp"
#include "p2pdist/envelope/source_limit.hpp"
#include "tidy.hpp"

namespace p2pdist {
namespace {

enrolment_server_config exchange_config(const crypto_suite& crypto, const server_config& config) {
    enrolment_server_config out;
    out.enrolment_key = config.enrolment;
    out.versions = versions_between(config.protocol_oldest, config.protocol_newest);
    out.rate_sources = limits::server_rate_sources;
    out.bucket_key = source_limit::key_from(crypto, config.identity, {as_bytes("enrolment")});
    return out;
}

}  // namespace

certificate_office::certificate_office(const crypto_suite& crypto, const server_config& config)
    : crypto_(&crypto),
      identity_(identity_from_secret(crypto, config.identity)),
      signing_(config.signing),
      signing_public_(crypto.ed25519_public(config.signing)),
      group_(config.group),
      lifetime_seconds_(std::chrono::duration_cast<std::chrono::seconds>(config.certificate_lifetime).count()) {}

credentials certificate_office::issue(role who, const public_key& key, std::uint16_t key_epoch, wall_time wall) const {
    const wall_time until{wall.seconds + lifetime_seconds_};
    const auto former = key_epoch > 1 ? group_key(static_cast<std::uint16_t>(key_epoch - 1)) : secret_key{};
    return {sign_certificate(*crypto_, signing_, who, key, key_epoch, until), signing_public_, key_epoch, group_key(key_epoch), former};
}

/// The stored key is the first epoch's own. Members of that epoch know it, so that the later ones need a secret beside it that never
/// leaves the server: whoever was shut out can derive none of them.
secret_key certificate_office::group_key(std::uint16_t key_epoch) const {
    if (key_epoch <= 1) return group_;
    bytes material = to_bytes(group_);
    material.insert(material.end(), signing_.begin(), signing_.end());
    bytes number;
    byte_writer(number).u16(key_epoch);
    return derive_key(*crypto_, as_bytes("p2pdist group key"), material, {number});
}

std::optional<bytes> certificate_office::seal(entropy& random_bytes, const public_key& member, const public_key& ephemeral,
                                              const enrolment_grant& grant) const {
    return seal_renewal(*crypto_, random_bytes, identity_, member, ephemeral, grant);
}

enrolment_desk::enrolment_desk(const crypto_suite& crypto, entropy& random_bytes, const server_config& config)
    : server_(crypto, random_bytes, exchange_config(crypto, config)) {}

result<register_request> enrolment_desk::judge(const enrolment_request& request, const server_state& state) const {
    const auto info = decode_body(request.client_info);
    if (!info) return info.error();
    const auto* about = std::get_if<register_request>(&*info);
    if (about == nullptr) return {errc::malformed, "the device did not say what it is; update it"};
    const auto* known = state.clients.find(request.id);
    if (known != nullptr && known->record.revoked) {
        return {errc::revoked, "this device was revoked; ask the administrator of the software distribution"};
    }
    if (known == nullptr && state.clients.size() >= limits::server_clients_max)
        return {errc::limit_reached, "the server has no room for another client"};
    return *about;
}

std::optional<enrolment_desk::output> enrolment_desk::poll(time_point now, wall_time wall, const server_state& state,
                                                           const certificate_office& papers, const certificate& server_certificate) {
    while (auto next = server_.poll()) {
        if (auto* datagram = std::get_if<send_datagram>(&*next)) return std::move(*datagram);
        const auto& request = std::get<enrolment_request>(*next);
        const auto about = judge(request, state);
        if (!about) {
            (void)server_.refuse(now, request.handle, about.error().message);
            continue;
        }
        const auto held = papers.issue(role::client, request.key, server_certificate.key_epoch, wall);
        if (server_.grant(now, request.handle, {held, server_certificate, {}})) return enrolled{request.id, request.key, tidy(about->host_name)};
    }
    return std::nullopt;
}

}  // namespace p2pdist
