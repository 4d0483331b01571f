// Licence keys.

#include "server/licence.hpp"
#include "p2pdist/base/limits.hpp"
#include "support/fuzz_target.hpp"

using namespace p2pdist;

P2PDIST_FUZZ_TARGET(licence) {
    const auto seats = input.u32();
    const auto clients = input.u32();
    const auto key = input.rest_text();
    const auto verdict = check_licence(key, seats);
    if (!verdict) {
        const auto& said = verdict.error().message;
        return fuzz::check(said == check_licence(" ", 1).error().message || said == check_licence("x", 0).error().message,
                           "a refusal repeats the key");
    }
    fuzz::check(!key.empty() && key.size() <= limits::licence_key_bytes_max && is_utf8(key), "a key that may not be");
    const auto report = licence_report({key, seats, true}, clients);
    fuzz::check(report.used == clients && report.surplus == (clients > seats ? clients - seats : 0), "a licence counts wrongly");
}
