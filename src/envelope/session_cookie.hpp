#pragma once
// Cookies: who repeats one receives what is sent to the address that he claims. Nothing is remembered about those who ask.

#include "p2pdist/base/datagram.hpp"
#include "p2pdist/base/time.hpp"
#include "session_frames.hpp"

namespace p2pdist::detail {

class cookie_jar {
public:
    cookie_jar(const crypto_suite& crypto, entropy& random) : crypto_(&crypto), secret_(random.array<32>()) {}

    /// For the hello of this nonce that came over this way in the name of `initiator`.
    [[nodiscard]] session_cookie bake(time_point now, const path& way, const client_id& initiator, const session_nonce& hello) const;
    /// Whether it was baked for just that, in this period (limits::session_cookie_time) or the one before.
    [[nodiscard]] bool good(time_point now, const path& way, const client_id& initiator, const session_nonce& hello,
                            const session_cookie& cookie) const;

private:
    [[nodiscard]] session_cookie of(std::uint64_t period, const path& way, const client_id& initiator, const session_nonce& hello) const;

    const crypto_suite* crypto_;
    secret_key secret_;
};

}  // namespace p2pdist::detail
