#pragma once
// A crypto_suite that is quick and no crypto: everything follows from one 64-bit hash, so that a fuzzer gets through thousands of
// handshakes a second. With `tags_fit` the tags of frames depend on the key alone: whatever is altered in a frame still fits, and the
// fuzzer reaches what stands behind the tags. Keys stay different from each other.

#include <algorithm>
#include <cstring>

#include "p2pdist/crypto/crypto_suite.hpp"

namespace p2pdist::fuzz {

class toy_crypto final : public crypto_suite {
public:
    explicit toy_crypto(bool tags_fit = false) noexcept : tags_fit_(tags_fit) {}

    [[nodiscard]] digest sha256(byte_parts parts) const override { return spread(absorb(1, parts)); }
    [[nodiscard]] digest hmac_sha256(byte_span key, byte_parts parts) const override {
        const auto keyed = absorb(2, {key});
        return spread(tags_fit_ && is_frame(parts) ? keyed ^ 3 : absorb(keyed, parts));
    }
    [[nodiscard]] std::uint64_t siphash(const short_key& key, byte_parts parts) const override {
        const auto keyed = absorb(4, {key});
        return tags_fit_ ? keyed : absorb(keyed, parts);
    }

    [[nodiscard]] public_key x25519_public(const secret_key& secret) const override { return secret; }
    [[nodiscard]] std::optional<secret_key> x25519_shared(const secret_key& secret, const public_key& other) const override {
        if (std::ranges::all_of(other, [](std::uint8_t byte) { return byte == 0; })) return std::nullopt;
        secret_key both{};
        for (std::size_t i = 0; i < both.size(); ++i) both[i] = secret[i] ^ other[i];
        return spread(absorb(5, {both}));
    }

    [[nodiscard]] public_key ed25519_public(const secret_key& seed) const override { return seed; }
    [[nodiscard]] signature ed25519_sign(const secret_key& seed, byte_span message) const override {
        const auto half = spread(absorb(absorb(6, {seed}), {message}));
        signature out{};
        std::copy(half.begin(), half.end(), out.begin());
        return out;
    }
    [[nodiscard]] bool ed25519_verify(const public_key& key, byte_span message, const signature& sig) const override {
        return tags_fit_ || ed25519_sign(key, message) == sig;
    }

    [[nodiscard]] bytes aead_seal(const secret_key& key, const aead_nonce& nonce, byte_span associated, byte_span plain) const override {
        auto out = to_bytes(plain);
        const auto tag = aead_tag(key, nonce, associated, plain);
        out.insert(out.end(), tag.begin(), tag.begin() + tag_bytes);
        return out;
    }
    [[nodiscard]] std::optional<bytes> aead_open(const secret_key& key, const aead_nonce& nonce, byte_span associated,
                                                 byte_span sealed) const override {
        if (sealed.size() < tag_bytes) return std::nullopt;
        const auto plain = sealed.first(sealed.size() - tag_bytes);
        const auto tag = aead_tag(key, nonce, associated, plain);
        if (!tags_fit_ && !equal_constant_time(byte_span(tag).first(tag_bytes), sealed.last(tag_bytes))) return std::nullopt;
        return to_bytes(plain);
    }

private:
    static constexpr std::size_t tag_bytes = 16;

    [[nodiscard]] digest aead_tag(const secret_key& key, const aead_nonce& nonce, byte_span associated, byte_span plain) const {
        return spread(absorb(absorb(7, {key, nonce}), {associated, plain}));
    }

    static std::uint64_t mix(std::uint64_t value) noexcept {
        value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9u;
        value = (value ^ value >> 27) * 0x94d049bb133111ebu;
        return value ^ value >> 31;
    }
    static digest spread(std::uint64_t state) noexcept {
        digest out{};
        for (std::size_t i = 0; i < out.size(); i += 8) {
            state = mix(state + 0x9e3779b97f4a7c15u);
            std::memcpy(out.data() + i, &state, 8);
        }
        return out;
    }
    /// Eight bytes at a time over the parts as if they stood one after another.
    static std::uint64_t absorb(std::uint64_t state, byte_parts parts) noexcept {
        std::uint64_t word = 0, total = 0;
        unsigned filled = 0;
        state = mix(state + 0x2545f4914f6cdd1du);
        for (auto part : parts) {
            total += part.size();
            while (!part.empty()) {
                if (filled == 0 && part.size() >= 8) {
                    std::memcpy(&word, part.data(), 8);
                    part = part.subspan(8);
                    state = mix(state ^ word);
                    word = 0;
                    continue;
                }
                word |= std::uint64_t{part.front()} << (8 * filled);
                part = part.subspan(1);
                if (++filled < 8) continue;
                state = mix(state ^ word);
                word = 0;
                filled = 0;
            }
        }
        return mix(mix(state ^ word) ^ total);
    }
    /// What a tag is made over, as against what a key is derived from.
    static bool is_frame(byte_parts parts) noexcept {
        constexpr std::size_t frame_bytes_min = 20;
        static constexpr std::string_view enrolment = "p2pdist enrol ";
        std::size_t total = 0;
        for (const auto part : parts) total += part.size();
        const auto first = parts.size() == 0 ? byte_span{} : *parts.begin();
        if (first.empty() || total < frame_bytes_min) return false;
        return (first.front() >= 0x40 && first.front() <= 0x4d) || (as_text(first).starts_with(enrolment) && parts.size() > 1);
    }

    bool tags_fit_;
};

}  // namespace p2pdist::fuzz
