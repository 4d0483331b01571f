#pragma once
// The bytes of a fuzz input as decisions. What is asked for after the end is zero, so that every input is a whole run.

#include <algorithm>
#include <cstdint>
#include <string>

#include "p2pdist/base/bytes.hpp"

namespace p2pdist::fuzz {

class fuzz_input {
public:
    explicit fuzz_input(byte_span data) noexcept : data_(data) {}

    [[nodiscard]] bool empty() const noexcept { return data_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return data_.size(); }

    std::uint8_t byte() noexcept { return static_cast<std::uint8_t>(take(1)); }
    std::uint16_t u16() noexcept { return static_cast<std::uint16_t>(take(2)); }
    std::uint32_t u32() noexcept { return static_cast<std::uint32_t>(take(4)); }
    std::uint64_t u64() noexcept { return take(8); }
    bool flag() noexcept { return (byte() & 1) != 0; }
    /// In [0, bound); 0 where bound is 0. Takes as few bytes as the bound needs.
    std::uint64_t below(std::uint64_t bound) noexcept {
        if (bound <= 1) return 0;
        std::size_t count = 1;
        while (count < 8 && (bound - 1) >> (8 * count) != 0) ++count;
        return take(count) % bound;
    }
    /// The next `count` bytes, or as many as there are.
    byte_span raw(std::size_t count) noexcept {
        const auto head = data_.first(std::min(count, data_.size()));
        data_ = data_.subspan(head.size());
        return head;
    }
    /// A piece with its length in front.
    byte_span piece(std::size_t size_max = 0xffff) noexcept {
        const std::size_t size = size_max < 0x100 ? std::size_t{byte()} : std::size_t{u16()};
        return raw(std::min(size, size_max));
    }
    byte_span rest() noexcept { return raw(data_.size()); }
    [[nodiscard]] std::string rest_text() { return std::string(as_text(rest())); }

private:
    std::uint64_t take(std::size_t count) noexcept {
        std::uint64_t value = 0;
        for (const auto one : raw(count)) value = value << 8 | one;
        return value;
    }

    byte_span data_;
};

/// `data` with a few changes: bits flipped, bytes set, cut, lengthened, a stretch repeated.
[[nodiscard]] inline bytes mutated(fuzz_input& input, bytes data) {
    for (auto changes = 1 + input.below(4); changes > 0; --changes) {
        const auto at = static_cast<std::size_t>(input.below(data.size() + 1));
        const auto rest = static_cast<std::ptrdiff_t>(at);
        switch (input.below(6)) {
            case 0:
                if (at < data.size()) data[at] = static_cast<std::uint8_t>(data[at] ^ 1u << input.below(8));
                break;
            case 1:
                if (at < data.size()) data[at] = input.byte();
                break;
            case 2: data.resize(at); break;
            case 3: {
                const auto more = input.piece(64);
                data.insert(data.begin() + rest, more.begin(), more.end());
                break;
            }
            case 4: {
                const auto count = std::min<std::size_t>(data.size() - at, input.below(64));
                data.erase(data.begin() + rest, data.begin() + rest + static_cast<std::ptrdiff_t>(count));
                break;
            }
            default: {
                const auto count = std::min<std::size_t>(data.size() - at, input.below(64));
                const bytes again(data.begin() + rest, data.begin() + rest + static_cast<std::ptrdiff_t>(count));
                data.insert(data.begin() + rest, again.begin(), again.end());
                break;
            }
        }
    }
    return data;
}

}  // namespace p2pdist::fuzz
