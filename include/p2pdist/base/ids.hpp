#pragma once
// Identifiers as types of their own, so that one cannot be passed for another.

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/base/result.hpp"

namespace p2pdist {

/// A device, the server or a connector: the first 16 bytes of the SHA-256 of its public key (envelope/credentials.hpp), so that
/// nobody can claim another's. Ordered as bytes; text form is 32 hexadecimal digits.
struct P2PDIST_API client_id {
    std::array<std::uint8_t, 16> value{};

    [[nodiscard]] std::string to_string() const;
    /// 32 hexadecimal digits of either case; nothing for all else.
    [[nodiscard]] static std::optional<client_id> parse(std::string_view text);
    friend bool operator==(const client_id&, const client_id&) = default;
    /// Two words at a time: tables of clients are looked into with every datagram.
    friend std::strong_ordering operator<=>(const client_id& left, const client_id& right) noexcept {
        const auto first = left.word(0) <=> right.word(0);
        return first != 0 ? first : left.word(8) <=> right.word(8);
    }

private:
    [[nodiscard]] std::uint64_t word(std::size_t at) const noexcept {
        std::uint64_t out = 0;
        for (std::size_t i = at; i < at + 8; ++i) out = out << 8 | value[i];
        return out;
    }
};

/// The name under which a content is published: 1 to 128 bytes of UTF-8 without control characters, '/' or '\\', and neither
/// "." nor "..", so that it can stand in a URL and as a file's name. Immutable once published (CLI-6). A value: distinct
/// objects may be used from any thread.
class P2PDIST_API content_id {
public:
    content_id() = default;

    /// errc::invalid_argument, saying which rule is broken.
    [[nodiscard]] static result<content_id> parse(std::string_view text);

    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
    friend auto operator<=>(const content_id&, const content_id&) = default;

private:
    explicit content_id(std::string_view text) : text_(text) {}
    std::string text_;
};

}  // namespace p2pdist

template <>
struct std::hash<p2pdist::client_id> {
    std::size_t operator()(const p2pdist::client_id& id) const noexcept {
        return std::hash<std::string_view>{}(p2pdist::as_text(id.value));
    }
};

template <>
struct std::hash<p2pdist::content_id> {
    std::size_t operator()(const p2pdist::content_id& id) const noexcept { return std::hash<std::string>{}(id.text()); }
};
