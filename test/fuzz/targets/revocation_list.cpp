// Revocation lists: exactly one form each.

#include "p2pdist/envelope/revocation_list.hpp"
#include "support/fuzz_target.hpp"

using namespace p2pdist;

P2PDIST_FUZZ_TARGET(revocation_list) {
    const auto epoch = input.u16();
    const auto data = input.rest();
    const auto list = decode_revocation_list(data);
    if (!list) return;
    fuzz::check(std::ranges::equal(encode(*list), data), "a revocation list has two forms");
    fuzz::check(list->revoked.size() <= limits::revoked_clients_max, "a revocation list is too long");
    for (const auto& id : list->revoked) fuzz::check(standing_of(*list, epoch, id, UINT16_MAX) == standing::revoked, "a listed client is not revoked");
}
