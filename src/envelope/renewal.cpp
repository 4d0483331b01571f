#include "p2pdist/envelope/renewal.hpp"

#include <algorithm>

#include "enrolment_frames.hpp"
#include "sealed_box.hpp"

namespace p2pdist {

using namespace detail;

namespace {

/// Both sides' view of one exchange, in the same order.
struct renewal_facts {
    public_key member{};
    public_key server{};
    public_key member_ephemeral{};
    public_key server_ephemeral{};
};

bytes encode(const renewal_facts& facts) {
    bytes out;
    byte_writer writer(out);
    for (const auto* key : {&facts.member, &facts.server, &facts.member_ephemeral, &facts.server_ephemeral}) writer.raw(*key);
    return out;
}

/// Of ephemeral with ephemeral, of the member's identity with the server's ephemeral, of the member's ephemeral with the server's identity.
secret_key derive(const crypto_suite& crypto, const renewal_facts& facts, std::initializer_list<secret_key> shared) {
    bytes material;
    for (const auto& one : shared) material.insert(material.end(), one.begin(), one.end());
    return derive_key(crypto, as_bytes("p2pdist renewal"), material, {encode(facts)});
}

}  // namespace

renewal::renewal(const crypto_suite& crypto, entropy& random)
    : crypto_(&crypto), secret_(random.array<32>()), public_(crypto.x25519_public(secret_)) {}

result<enrolment_grant> renewal::open(const node_identity& self, const credentials& held, const public_key& server, wall_time wall,
                                      byte_span sealed) const {
    const error unreadable{errc::malformed, "the server's new certificate cannot be read: update the older side"};
    renewal_facts facts{self.key, server, public_, {}};
    byte_reader reader(sealed);
    facts.server_ephemeral = read_array<32>(reader);
    const auto fresh = crypto_->x25519_shared(secret_, facts.server_ephemeral);
    const auto by_member = crypto_->x25519_shared(self.secret, facts.server_ephemeral);
    const auto by_server = crypto_->x25519_shared(secret_, server);
    if (!reader.ok() || !fresh || !by_member || !by_server) return unreadable;
    const auto key = derive(*crypto_, facts, {*fresh, *by_member, *by_server});
    const auto plain = open_box(*crypto_, key, encode(facts), reader.rest());
    auto verdict = plain ? decode_verdict(*plain) : std::nullopt;
    if (!verdict) return unreadable;
    if (!verdict->has_value()) return std::move(*verdict);
    if ((*verdict)->held.signing_key != held.signing_key || (*verdict)->server.key != server) return unreadable;
    if (auto problem = problem_of(*crypto_, **verdict, self, wall)) return std::move(*problem);
    return std::move(*verdict);
}

std::optional<bytes> seal_renewal(const crypto_suite& crypto, entropy& random, const node_identity& server, const public_key& member_key,
                                  const public_key& ephemeral, const enrolment_grant& grant) {
    const auto secret = random.array<32>();
    const renewal_facts facts{member_key, server.key, ephemeral, crypto.x25519_public(secret)};
    const auto fresh = crypto.x25519_shared(secret, ephemeral);
    const auto by_member = crypto.x25519_shared(secret, member_key);
    const auto by_server = crypto.x25519_shared(server.secret, ephemeral);
    if (!fresh || !by_member || !by_server) return std::nullopt;
    const auto key = derive(crypto, facts, {*fresh, *by_member, *by_server});
    bytes out(facts.server_ephemeral.begin(), facts.server_ephemeral.end());
    const auto sealed = seal_box(crypto, key, encode(facts), encode_grant(grant));
    out.insert(out.end(), sealed.begin(), sealed.end());
    return out;
}

std::optional<error> problem_of(const crypto_suite& crypto, const enrolment_grant& grant, const node_identity& self, wall_time wall) {
    const auto& own = grant.held.own;
    const auto judge = [&](const certificate& cert) {
        return verify_certificate(crypto, grant.held.signing_key, cert, wall, grant.held.key_epoch);
    };
    const auto verdicts = {judge(own), judge(grant.server)};
    if (std::ranges::count(verdicts, certificate_verdict::expired) > 0) {
        return error{errc::malformed, "the certificate is past its date: compare this device's clock with the server's"};
    }
    const bool consistent = own.key == self.key && own.who == role::client && grant.server.who == role::server &&
                            std::ranges::count(verdicts, certificate_verdict::good) == 2;
    if (consistent) return std::nullopt;
    return error{errc::malformed, "the server granted a certificate that does not fit: look at the server's log"};
}

}  // namespace p2pdist
