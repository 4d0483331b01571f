#pragma once
// Random values of every struct of the wire, for property tests. Aggregates are filled field by field, whatever their fields are, so a
// new message or field is covered without a line here.

#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/base/random.hpp"
#include "p2pdist/wire/messages.hpp"

namespace random_value {

using p2pdist::random_source;

/// What an aggregate may be made of.
struct anything {
    template <class T>
    operator T() const;
};

template <class T, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
    return requires { T{(static_cast<void>(I), anything{})...}; };
}
template <class T, std::size_t N = 0>
constexpr std::size_t field_count() {
    if constexpr (takes<T>(std::make_index_sequence<N + 1>{}))
        return field_count<T, N + 1>();
    else
        return N;
}

template <class T>
auto fields(T& value) {
    constexpr auto count = field_count<T>();
    static_assert(count <= 16, "more fields than this reads: add a line");
    if constexpr (count == 0) { return std::tie(); }
    else if constexpr (count == 1) { auto& [a] = value; return std::tie(a); }
    else if constexpr (count == 2) { auto& [a, b] = value; return std::tie(a, b); }
    else if constexpr (count == 3) { auto& [a, b, c] = value; return std::tie(a, b, c); }
    else if constexpr (count == 4) { auto& [a, b, c, d] = value; return std::tie(a, b, c, d); }
    else if constexpr (count == 5) { auto& [a, b, c, d, e] = value; return std::tie(a, b, c, d, e); }
    else if constexpr (count == 6) { auto& [a, b, c, d, e, f] = value; return std::tie(a, b, c, d, e, f); }
    else if constexpr (count == 7) { auto& [a, b, c, d, e, f, g] = value; return std::tie(a, b, c, d, e, f, g); }
    else if constexpr (count == 8) { auto& [a, b, c, d, e, f, g, h] = value; return std::tie(a, b, c, d, e, f, g, h); }
    else if constexpr (count == 9) { auto& [a, b, c, d, e, f, g, h, i] = value; return std::tie(a, b, c, d, e, f, g, h, i); }
    else { static_assert(count == 0, "structs of this size have a filler of their own"); }
}

inline std::uint64_t integer(random_source& random) {
    switch (random.below(5)) {
        case 0: return 0;
        case 1: return random.below(200);
        case 2: return random() >> random.below(64);
        case 3: return std::numeric_limits<std::uint64_t>::max() - random.below(2);
        default: return random();
    }
}

inline void fill(random_source& random, std::string& to) {
    static constexpr const char* pieces[] = {"a", "Z", " ", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "=", ",", "7"};
    to.clear();
    for (auto count = random.below(12); count > 0; --count) to += pieces[random.below(std::size(pieces))];
}
inline void fill(random_source& random, p2pdist::content_id& to) {
    to = *p2pdist::content_id::parse("app-" + std::to_string(random() >> random.below(64)));
}
inline void fill(random_source& random, p2pdist::ip_address& to) {
    if (random.below(2) == 0) {
        to = p2pdist::ip_address::v4(static_cast<std::uint32_t>(random()));
        return;
    }
    std::array<std::uint8_t, 16> value{0x20, 0x01};
    for (std::size_t i = 2; i < value.size(); ++i) value[i] = static_cast<std::uint8_t>(random());
    to = p2pdist::ip_address::v6(value);
}
inline void fill(random_source& random, p2pdist::duration& to) { to = std::chrono::seconds(random() >> (31 + random.below(33))); }
inline void fill(random_source& random, p2pdist::errc& to) { to = static_cast<p2pdist::errc>(1 + random.below(19)); }
inline void fill(random_source& random, p2pdist::hash_kind& to) { to = static_cast<p2pdist::hash_kind>(1 + random.below(2)); }
inline void fill(random_source& random, p2pdist::holding_state& to) { to = static_cast<p2pdist::holding_state>(random.below(3)); }
inline void fill(random_source& random, p2pdist::want_verdict& to) { to = static_cast<p2pdist::want_verdict>(1 + random.below(6)); }
inline void fill(random_source& random, p2pdist::device_model& to) { to = static_cast<p2pdist::device_model>(random.below(2)); }
inline void fill(random_source& random, p2pdist::os_kind& to) { to = static_cast<p2pdist::os_kind>(random.below(2)); }
inline void fill(random_source& random, p2pdist::transfer_protocol& to) { to = static_cast<p2pdist::transfer_protocol>(random.below(2)); }
void fill(random_source& random, p2pdist::flow_feedback& to);

template <class T>
void fill(random_source& random, T& to);

template <class T, std::size_t N>
void fill(random_source& random, std::array<T, N>& to) {
    for (auto& entry : to) fill(random, entry);
}
template <class T>
void fill(random_source& random, std::vector<T>& to) {
    to.resize(random.below(9));
    for (auto& entry : to) fill(random, entry);
}
template <class T>
void fill(random_source& random, std::optional<T>& to) {
    to.reset();
    if (random.below(2) == 0) fill(random, to.emplace());
}
template <class A, class B>
void fill(random_source& random, std::pair<A, B>& to) {
    fill(random, to.first);
    fill(random, to.second);
}
template <class... Alternatives>
void fill(random_source& random, std::variant<Alternatives...>& to) {
    const auto chosen = random.below(sizeof...(Alternatives));
    std::size_t index = 0;
    ((index++ == chosen ? fill(random, to.template emplace<Alternatives>()) : void()), ...);
}
template <class T>
void fill(random_source& random, T& to) {
    if constexpr (std::is_same_v<T, bool>)
        to = random.below(2) == 1;
    else if constexpr (std::is_integral_v<T>)
        to = static_cast<T>(integer(random));
    else
        std::apply([&random](auto&... field) { (fill(random, field), ...); }, fields(to));
    // What the documented ranges ask for.
    if constexpr (std::is_same_v<T, p2pdist::register_request>) to.prefix_bits = static_cast<std::uint8_t>(to.prefix_bits % (to.address.bits() + 1));
    if constexpr (std::is_same_v<T, p2pdist::health_finding>) to.severity %= 3;
    if constexpr (std::is_same_v<T, p2pdist::content_info>) to.size_bytes %= p2pdist::limits::content_bytes_max + 1;
    if constexpr (std::is_same_v<T, p2pdist::flow_accept>) to.object_bytes %= p2pdist::flow_object_bytes_max + 1;
    if constexpr (std::is_same_v<T, p2pdist::flow_open>) to.datagram_bytes_max = static_cast<std::uint32_t>(512 + random.below(65024));
    if constexpr (std::is_same_v<T, p2pdist::flow_control>)
        to.to_sender = to.signal.index() == 0 || to.signal.index() == 2 || (to.signal.index() == 4 && to.to_sender);
    if constexpr (std::is_same_v<T, p2pdist::message>) {
        const bool pure = std::holds_alternative<std::monostate>(to.body);
        to.id = pure ? 0 : to.id | 1;
        to.reply_to |= pure ? 1 : 0;
    }
}

/// Ranges as a receiver has them: highest first, apart, below largest_packet.
inline void fill(random_source& random, p2pdist::flow_feedback& to) {
    std::uint64_t unused = 0;
    for (auto* number : {&to.sequence, &to.want_generation, &to.largest_packet, &to.echo_sent_at_us, &to.received_at_us, &to.held_us,
                         &to.interval_packets, &to.status_sequence_seen, &to.status_sequence})
        fill(random, *number);
    for (auto* number : {&to.received_packets, &to.received_bytes, &to.ce_packets, &unused}) fill(random, *number);
    fill(random, to.delay_min_us);
    fill(random, to.delay_max_us);
    to.strict = random.below(2) == 1;
    fill(random, to.status);
    to.wanted.clear();
    to.acknowledged.clear();
    for (auto count = random.below(p2pdist::flow_ranges_max + 1); count > 0; --count) {
        const auto first = random.below(p2pdist::flow_object_bytes_max);
        to.wanted.push_back({first, 1 + random.below(p2pdist::flow_object_bytes_max - first)});
    }
    auto below = std::uint64_t{to.largest_packet} + 1;
    for (auto count = random.below(p2pdist::flow_ranges_max + 1); count > 0 && below > 0; --count) {
        const auto end = 1 + random.below(below);
        const auto length = 1 + random.below(std::min<std::uint64_t>(end, 1000));
        to.acknowledged.push_back({end - length, length});
        below = end - length;
    }
}

}  // namespace random_value
