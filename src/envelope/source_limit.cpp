#include "p2pdist/envelope/source_limit.hpp"

#include <algorithm>

#include "p2pdist/base/assert.hpp"

namespace p2pdist {
namespace {

constexpr duration depth = std::chrono::seconds(1);  // of each bucket

duration cost_at(std::uint32_t per_second) {
    P2PDIST_ASSERT(per_second > 0);
    return depth / per_second;
}

ip_address narrow(const ip_address& from) { return from.is_v4() ? from : subnet::of(from, 64).network(); }
ip_address wide(const ip_address& from) { return subnet::of(from, from.is_v4() ? 24 : 48).network(); }

}  // namespace

source_limit::source_limit(const crypto_suite& crypto, const short_key& secret, const source_limit_config& config)
    : crypto_(&crypto), secret_(secret), sources_(config.sources), cost_(cost_at(config.in_all)) {
    P2PDIST_ASSERT(config.sources > 0);
    if (config.per_host > 0) hosts_.cost = cost_at(config.per_host);
    addresses_.cost = cost_at(config.per_address);
    networks_.cost = cost_at(config.per_network);
}

short_key source_limit::key_from(const crypto_suite& crypto, const secret_key& secret, byte_parts use) {
    const auto key = derive_key(crypto, as_bytes("p2pdist buckets"), secret, use);
    short_key out{};
    std::copy_n(key.begin(), out.size(), out.begin());
    return out;
}

/// The emptiness of the fuller bucket: the other one may be somebody else's.
time_point source_limit::place::full_at(time_point now) const noexcept { return std::max(now, std::min(*row[0], *row[1])); }

source_limit::place source_limit::find(level& where, const ip_address& prefix) const {
    if (where.full_at.empty()) where.full_at.resize(rows * sources_, time_point::min());
    const auto hash = crypto_->siphash(secret_, {prefix.network_bytes()});
    return {{&where.full_at[(hash & UINT32_MAX) % sources_], &where.full_at[sources_ + (hash >> 32) % sources_]}};
}

bool source_limit::allow(time_point now, const ip_address& from) {
    const auto all = std::max(now, full_at_) + cost_;
    if (all > now + depth) return false;
    struct bucket {
        place at;
        time_point full_at;
    };
    std::array<bucket, 3> taken;
    std::size_t count = 0;
    const auto has_token = [&](level& where, const ip_address& prefix) {
        const auto at = find(where, prefix);
        taken[count] = {at, at.full_at(now) + where.cost};
        return taken[count++].full_at <= now + depth;
    };
    if (!has_token(networks_, wide(from)) || !has_token(addresses_, narrow(from))) return false;
    if (hosts_.cost > duration::zero() && !has_token(hosts_, from)) return false;
    full_at_ = all;
    for (std::size_t i = 0; i < count; ++i) {
        for (auto* bucket : taken[i].at.row) *bucket = std::max(*bucket, taken[i].full_at);
    }
    return true;
}

}  // namespace p2pdist
