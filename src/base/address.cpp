#include "p2pdist/base/address.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "p2pdist/base/assert.hpp"

namespace p2pdist {
namespace {

using v6_bytes = std::array<std::uint8_t, 16>;

/// The text for a message: control characters and overlong input don't reach a terminal or a log.
std::string quoted(std::string_view text) {
    constexpr std::size_t shown_max = 64;
    std::string out = "'";
    for (const auto c : text.substr(0, shown_max)) out.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c);
    return out + (text.size() > shown_max ? "...'" : "'");
}

/// A number of `text` alone: digits of `base` only, at most `digits_max` of them.
std::optional<unsigned> parse_number(std::string_view text, int base, std::size_t digits_max) noexcept {
    if (text.empty() || text.size() > digits_max) return std::nullopt;
    unsigned value = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

/// As parse_number in base 10, without leading zeros.
std::optional<unsigned> parse_decimal(std::string_view text, unsigned max) noexcept {
    if (text.size() > 1 && text.front() == '0') return std::nullopt;
    const auto value = parse_number(text, 10, 3);
    return value && *value <= max ? value : std::nullopt;
}

std::optional<std::uint32_t> parse_v4(std::string_view text) noexcept {
    std::uint32_t value = 0;
    for (int part = 0; part < 4; ++part) {
        const auto dot = text.find('.');
        if ((dot == std::string_view::npos) != (part == 3)) return std::nullopt;
        const auto number = parse_decimal(text.substr(0, dot), 255);
        if (!number) return std::nullopt;
        value = value << 8 | *number;
        text.remove_prefix(part == 3 ? text.size() : dot + 1);
    }
    return value;
}

/// The groups of one side of a "::" (or of the whole); nothing where one is malformed or there are more than eight.
struct groups {
    std::array<std::uint16_t, 8> value{};
    std::size_t count = 0;

    bool add(unsigned group) noexcept {
        if (count == value.size()) return false;
        value[count++] = static_cast<std::uint16_t>(group);
        return true;
    }
};

std::optional<groups> parse_groups(std::string_view text, bool may_end_in_v4) noexcept {
    groups out;
    if (text.empty()) return out;
    for (;;) {
        const auto colon = text.find(':');
        const auto part = text.substr(0, colon);
        if (colon == std::string_view::npos && may_end_in_v4 && part.find('.') != std::string_view::npos) {
            const auto tail = parse_v4(part);
            if (!tail || !out.add(*tail >> 16) || !out.add(*tail & 0xffff)) return std::nullopt;
            return out;
        }
        const auto group = parse_number(part, 16, 4);
        if (!group || !out.add(*group)) return std::nullopt;
        if (colon == std::string_view::npos) return out;
        text.remove_prefix(colon + 1);
    }
}

std::optional<v6_bytes> parse_v6(std::string_view text) noexcept {
    const auto gap = text.find("::");
    const bool has_gap = gap != std::string_view::npos;
    const auto head = parse_groups(text.substr(0, gap), !has_gap);
    const auto tail = has_gap ? parse_groups(text.substr(gap + 2), true) : groups{};
    if (!head || !tail) return std::nullopt;
    const auto count = head->count + tail->count;
    if (has_gap ? count > 7 : count != 8) return std::nullopt;  // "::" stands for one group or more
    std::array<std::uint16_t, 8> all{};
    std::copy_n(head->value.begin(), head->count, all.begin());
    std::copy_n(tail->value.begin(), tail->count, all.end() - static_cast<std::ptrdiff_t>(tail->count));
    v6_bytes out{};
    for (std::size_t i = 0; i < 8; ++i) {
        out[2 * i] = static_cast<std::uint8_t>(all[i] >> 8);
        out[2 * i + 1] = static_cast<std::uint8_t>(all[i]);
    }
    return out;
}

std::string v4_text(std::span<const std::uint8_t> value) {
    std::string out;
    for (std::size_t i = 0; i < 4; ++i) out += (i == 0 ? "" : ".") + std::to_string(value[i]);
    return out;
}

/// RFC 5952: lower case, no leading zeros, "::" for the longest run of two or more zero groups, the first of equals.
std::string v6_text(std::span<const std::uint8_t> value) {
    const auto group = [&](std::size_t i) { return static_cast<unsigned>(value[2 * i] << 8 | value[2 * i + 1]); };
    std::size_t run_start = 8;
    std::size_t run_length = 1;
    for (std::size_t i = 0; i < 8; ++i) {
        std::size_t end = i;
        while (end < 8 && group(end) == 0) ++end;
        if (end - i > run_length) {
            run_start = i;
            run_length = end - i;
        }
    }
    std::string out;
    for (std::size_t i = 0; i < 8; ++i) {
        if (i == run_start) {
            out += "::";
            i += run_length - 1;
            continue;
        }
        if (!out.empty() && out.back() != ':') out.push_back(':');
        std::array<char, 4> digits{};
        const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), group(i), 16).ptr;
        out.append(digits.data(), end);
    }
    return out;
}

/// Sets (or clears) every bit of `value` from bit `prefix_bits` on.
void fill_host_bits(std::span<std::uint8_t> value, int prefix_bits, bool ones) noexcept {
    for (std::size_t i = 0; i < value.size(); ++i) {
        const auto kept = std::clamp(prefix_bits - 8 * static_cast<int>(i), 0, 8);
        const auto host = static_cast<std::uint8_t>(0xff >> kept);
        value[i] = static_cast<std::uint8_t>(ones ? value[i] | host : value[i] & ~host);
    }
}

}  // namespace

ip_address ip_address::v4(std::uint32_t host_order) noexcept {
    ip_address out;
    for (std::size_t i = 0; i < 4; ++i) out.value_[i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
    return out;
}

ip_address ip_address::v6(const std::array<std::uint8_t, 16>& network_order) noexcept {
    constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    ip_address out;
    if (std::equal(mapped.begin(), mapped.end(), network_order.begin())) {
        std::copy_n(network_order.begin() + 12, 4, out.value_.begin());
        return out;
    }
    out.family_ = family::v6;
    out.value_ = network_order;
    return out;
}

result<ip_address> ip_address::parse(std::string_view text) {
    if (const auto value = parse_v4(text)) return v4(*value);
    if (const auto value = parse_v6(text)) return v6(*value);
    return {errc::malformed, quoted(text) + " is not an IPv4 or IPv6 address"};
}

bool ip_address::is_unspecified() const noexcept {
    return std::all_of(value_.begin(), value_.end(), [](std::uint8_t byte) { return byte == 0; });
}

std::span<const std::uint8_t> ip_address::network_bytes() const noexcept {
    return std::span<const std::uint8_t>(value_).first(static_cast<std::size_t>(bits()) / 8);
}

std::uint32_t ip_address::v4_value() const noexcept {
    P2PDIST_ASSERT(is_v4());
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | value_[i];
    return value;
}

ip_address ip_address::next() const noexcept {
    auto out = *this;
    for (auto i = static_cast<std::size_t>(bits()) / 8; i-- > 0;) {
        if (++out.value_[i] != 0) return out;
    }
    return *this;
}

std::string ip_address::to_string() const { return is_v4() ? v4_text(network_bytes()) : v6_text(network_bytes()); }

std::string endpoint::to_string() const {
    const auto host = address.to_string();
    return (address.is_v4() ? host : "[" + host + "]") + ":" + std::to_string(port);
}

std::string address_range::to_string() const { return first.to_string() + "-" + last.to_string(); }

result<subnet> subnet::parse(std::string_view text) {
    const auto slash = text.find('/');
    if (slash == std::string_view::npos)
        return {errc::malformed, quoted(text) + " is not a subnet: an address, '/' and the number of prefix bits, like 10.1.0.0/24"};
    const auto address = ip_address::parse(text.substr(0, slash));
    if (!address) return address.error();
    // Written as IPv4-mapped, the length counts the 96 bits before the IPv4 address too.
    const bool mapped = address->is_v4() && text.substr(0, slash).find(':') != std::string_view::npos;
    const auto skipped = mapped ? 96u : 0u;
    const auto length = parse_decimal(text.substr(slash + 1), static_cast<unsigned>(address->bits()) + skipped);
    if (!length || *length < skipped)
        return {errc::malformed, quoted(text) + ": the number of prefix bits is not one of " + std::to_string(skipped) + " to " +
                                     std::to_string(static_cast<unsigned>(address->bits()) + skipped)};
    const auto block = of(*address, static_cast<int>(*length - skipped));
    if (block.network() != *address)
        return {errc::malformed, quoted(text) + " has bits set after its prefix; the subnet is " + block.to_string()};
    return block;
}

subnet subnet::of(const ip_address& address, int prefix_bits) noexcept {
    P2PDIST_ASSERT(prefix_bits >= 0 && prefix_bits <= address.bits());
    subnet out;
    out.prefix_bits_ = prefix_bits;
    out.network_ = address;
    fill_host_bits(std::span(out.network_.value_).first(static_cast<std::size_t>(address.bits()) / 8), prefix_bits, false);
    return out;
}

address_range subnet::range() const noexcept {
    auto last = network_;
    fill_host_bits(std::span(last.value_).first(static_cast<std::size_t>(last.bits()) / 8), prefix_bits_, true);
    return {network_, last};
}

std::string subnet::to_string() const { return network_.to_string() + "/" + std::to_string(prefix_bits_); }

}  // namespace p2pdist

std::size_t std::hash<p2pdist::ip_address>::operator()(const p2pdist::ip_address& address) const noexcept {
    const auto data = address.network_bytes();
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(data.data()), data.size()});
}
