// Certificates and credentials: exactly one form each.

#include "p2pdist/envelope/credentials.hpp"
#include "support/fuzz_target.hpp"
#include "support/toy_crypto.hpp"

using namespace p2pdist;

P2PDIST_FUZZ_TARGET(certificate) {
    static const fuzz::toy_crypto crypto;
    const auto now = wall_time{static_cast<std::int64_t>(input.u64())};
    const auto epoch = input.u16();
    const auto data = input.rest();
    if (const auto cert = decode_certificate(data)) {
        bytes again;
        encode(*cert, again);
        fuzz::check(std::ranges::equal(again, data), "a certificate has two forms");
        const auto verdict = verify_certificate(crypto, cert->key, *cert, now, epoch);
        fuzz::check(verdict != certificate_verdict::good || (now <= cert->not_after && epoch == cert->key_epoch),
                    "a certificate outside its time is good");
    }
    if (const auto held = decode_credentials(data)) {
        bytes again;
        encode(*held, again);
        fuzz::check(std::ranges::equal(again, data), "credentials have two forms");
    }
}
