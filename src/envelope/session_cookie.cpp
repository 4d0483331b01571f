#include "session_cookie.hpp"

#include "p2pdist/base/limits.hpp"

namespace p2pdist::detail {
namespace {

std::uint64_t period_of(time_point now) noexcept {
    return static_cast<std::uint64_t>(now.time_since_epoch() / duration(limits::session_cookie_time));
}

}  // namespace

session_cookie cookie_jar::of(std::uint64_t period, const path& way, const client_id& initiator, const session_nonce& hello) const {
    bytes facts;
    byte_writer writer(facts);
    writer.u64(period);
    writer.u16(way.local_port);
    writer.u16(way.remote.port);
    writer.raw(initiator.value);
    writer.raw(hello);
    writer.raw(way.remote.address.network_bytes());
    return tag_of(*crypto_, secret_, {facts});
}

session_cookie cookie_jar::bake(time_point now, const path& way, const client_id& initiator, const session_nonce& hello) const {
    return of(period_of(now), way, initiator, hello);
}

bool cookie_jar::good(time_point now, const path& way, const client_id& initiator, const session_nonce& hello,
                      const session_cookie& cookie) const {
    if (cookie == session_cookie{}) return false;  // a hello without one
    const auto period = period_of(now);
    return equal_constant_time(of(period, way, initiator, hello), cookie) ||
           (period > 0 && equal_constant_time(of(period - 1, way, initiator, hello), cookie));
}

}  // namespace p2pdist::detail
