#pragma once
// A new certificate without the enrolment key (SEC-2): a member shows who it is by its session, and gets the grant encrypted, since
// the grant holds the group key and messages travel in the clear (CON-3). The keys of an exchange come from two fresh key pairs and
// from both identities: a recording of it and every long-lived secret, leaked later, decrypt nothing.

#include <cstdint>

#include "p2pdist/base/result.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"
#include "p2pdist/envelope/enrolment.hpp"

namespace p2pdist {

/// The member's side of one renewal. Distinct objects: safe. Shared: unsafe.
class renewal {
public:
    /// Draws a key pair for this exchange.
    renewal(const crypto_suite& crypto, entropy& random);

    /// For renew_request.
    [[nodiscard]] const public_key& ephemeral() const noexcept { return public_; }
    /// Reads renew_reply. Errors: malformed (cannot be decrypted, contradicts itself, another organisation's, or a wrong clock),
    /// refused (with the server's text).
    [[nodiscard]] result<enrolment_grant> open(const node_identity& self, const credentials& held, const public_key& server, wall_time wall,
                                               byte_span sealed) const;

private:
    const crypto_suite* crypto_;
    secret_key secret_{};
    public_key public_{};
};

/// The server's side: the grant for the member of `member_key`, encrypted. Nothing where no key can be agreed (a small-order point).
/// `grant.opaque` is at most enrolment_opaque_bytes_max.
[[nodiscard]] std::optional<bytes> seal_renewal(const crypto_suite& crypto, entropy& random, const node_identity& server,
                                                const public_key& member_key, const public_key& ephemeral, const enrolment_grant& grant);

/// Why a grant cannot be good for the device of `self`: a server that contradicts itself, or a clock that is wrong. Nothing where it is.
[[nodiscard]] std::optional<error> problem_of(const crypto_suite& crypto, const enrolment_grant& grant, const node_identity& self,
                                              wall_time wall);

}  // namespace p2pdist
