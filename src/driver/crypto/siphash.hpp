#pragma once
// SipHash-2-4 (Aumasson and Bernstein, 2012), 64 bits of output. Our own because OpenSSL's costs more to set up for each datagram
// than the hash itself: 650 ns against 25 ns for the 24 bytes of a data frame's tag.

#include <array>
#include <bit>
#include <cstdint>

#include "p2pdist/crypto/crypto_suite.hpp"

namespace p2pdist::detail {

/// Feed with update(), then take finish() once.
class siphash_2_4 {
public:
    explicit siphash_2_4(const short_key& key) noexcept {
        const auto k0 = load(key.data());
        const auto k1 = load(key.data() + 8);
        v_ = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du, k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u};
    }

    void update(byte_span data) noexcept {
        total_ += data.size();
        std::size_t i = 0;
        while (filled_ != 0 && i < data.size()) push(data[i++]);
        for (; data.size() - i >= 8; i += 8) absorb(load(data.data() + i));
        while (i < data.size()) push(data[i++]);
    }

    [[nodiscard]] std::uint64_t finish() noexcept {
        absorb(tail_ | std::uint64_t{total_ & 0xff} << 56);
        v_[2] ^= 0xff;
        for (int i = 0; i < 4; ++i) round();
        return v_[0] ^ v_[1] ^ v_[2] ^ v_[3];
    }

private:
    static std::uint64_t load(const std::uint8_t* from) noexcept {
        std::uint64_t value = 0;
        for (int i = 7; i >= 0; --i) value = value << 8 | from[i];
        return value;
    }
    void push(std::uint8_t byte) noexcept {
        tail_ |= std::uint64_t{byte} << (8 * filled_);
        if (++filled_ < 8) return;
        absorb(tail_);
        tail_ = 0;
        filled_ = 0;
    }
    void absorb(std::uint64_t word) noexcept {
        v_[3] ^= word;
        round();
        round();
        v_[0] ^= word;
    }
    void round() noexcept {
        v_[0] += v_[1];
        v_[1] = std::rotl(v_[1], 13) ^ v_[0];
        v_[0] = std::rotl(v_[0], 32);
        v_[2] += v_[3];
        v_[3] = std::rotl(v_[3], 16) ^ v_[2];
        v_[0] += v_[3];
        v_[3] = std::rotl(v_[3], 21) ^ v_[0];
        v_[2] += v_[1];
        v_[1] = std::rotl(v_[1], 17) ^ v_[2];
        v_[2] = std::rotl(v_[2], 32);
    }

    std::array<std::uint64_t, 4> v_{};
    std::uint64_t tail_ = 0;
    std::size_t total_ = 0;
    unsigned filled_ = 0;
};

}  // namespace p2pdist::detail
