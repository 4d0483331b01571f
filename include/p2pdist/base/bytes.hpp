#pragma once
// Byte strings, hexadecimal text, and bounds-checked big-endian reading and writing.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "p2pdist/base/export.hpp"

namespace p2pdist {

/// An owned byte string.
using bytes = std::vector<std::uint8_t>;
/// A borrowed one.
using byte_span = std::span<const std::uint8_t>;
/// A borrowed one that may be written.
using mutable_byte_span = std::span<std::uint8_t>;

/// The bytes of `text`, without a terminator. The span borrows from `text`.
[[nodiscard]] inline byte_span as_bytes(std::string_view text) noexcept {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// The same bytes seen as text. The view borrows from `data`.
[[nodiscard]] inline std::string_view as_text(byte_span data) noexcept {
    return {reinterpret_cast<const char*>(data.data()), data.size()};
}

/// A copy.
[[nodiscard]] inline bytes to_bytes(byte_span data) { return {data.begin(), data.end()}; }

/// Lower-case hexadecimal, two digits a byte.
[[nodiscard]] P2PDIST_API std::string to_hex(byte_span data);

/// Reads an even number of hexadecimal digits of either case; nothing on any other character.
[[nodiscard]] P2PDIST_API std::optional<bytes> from_hex(std::string_view text);

/// Whether the text is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
[[nodiscard]] P2PDIST_API bool is_utf8(std::string_view text) noexcept;

/// Compares in time that depends on the sizes only, so that a tag's or key's bytes don't leak.
[[nodiscard]] P2PDIST_API bool equal_constant_time(byte_span left, byte_span right) noexcept;

/// Appends big-endian integers and raw bytes to a vector. Distinct objects: safe. Shared: unsafe.
class P2PDIST_API byte_writer {
public:
    /// Appends to `out`, which outlives it.
    explicit byte_writer(bytes& out) noexcept : out_(&out) {}

    /// One byte.
    void u8(std::uint8_t value) { out_->push_back(value); }
    /// Two bytes.
    void u16(std::uint16_t value) { put(value, 2); }
    /// Four bytes.
    void u32(std::uint32_t value) { put(value, 4); }
    void u48(std::uint64_t value) { put(value, 6); }  ///< the low 48 bits
    /// Eight bytes.
    void u64(std::uint64_t value) { put(value, 8); }
    /// The bytes as they are.
    void raw(byte_span data) { out_->insert(out_->end(), data.begin(), data.end()); }

private:
    void put(std::uint64_t value, int count) {
        for (int shift = 8 * (count - 1); shift >= 0; shift -= 8) out_->push_back(static_cast<std::uint8_t>(value >> shift));
    }

    bytes* out_;
};

/// Reads big-endian integers and raw bytes from a span. A read past the end gives zero or an empty span and makes ok() false
/// for good, so a parser checks once at its end. Distinct objects: safe. Shared: unsafe.
class P2PDIST_API byte_reader {
public:
    /// Borrows `data`.
    explicit byte_reader(byte_span data) noexcept : data_(data) {}

    /// One byte.
    [[nodiscard]] std::uint8_t u8() noexcept { return static_cast<std::uint8_t>(take(1)); }
    /// Two bytes.
    [[nodiscard]] std::uint16_t u16() noexcept { return static_cast<std::uint16_t>(take(2)); }
    /// Four bytes.
    [[nodiscard]] std::uint32_t u32() noexcept { return static_cast<std::uint32_t>(take(4)); }
    /// Six bytes.
    [[nodiscard]] std::uint64_t u48() noexcept { return take(6); }
    /// Eight bytes.
    [[nodiscard]] std::uint64_t u64() noexcept { return take(8); }
    /// The next `count` bytes, borrowed.
    [[nodiscard]] byte_span raw(std::size_t count) noexcept {
        if (!ok_ || data_.size() < count) return fail();
        const auto head = data_.first(count);
        data_ = data_.subspan(count);
        return head;
    }

    /// What was not read yet.
    [[nodiscard]] byte_span rest() const noexcept { return data_; }
    /// Whether no read went past the end.
    [[nodiscard]] bool ok() const noexcept { return ok_; }
    /// Whether all was read, and nothing past the end.
    [[nodiscard]] bool at_end() const noexcept { return ok_ && data_.empty(); }

private:
    byte_span fail() noexcept {
        ok_ = false;
        data_ = {};
        return {};
    }
    std::uint64_t take(std::size_t count) noexcept {
        std::uint64_t value = 0;
        for (const auto byte : raw(count)) value = value << 8 | byte;
        return value;
    }

    byte_span data_;
    bool ok_ = true;
};

}  // namespace p2pdist
