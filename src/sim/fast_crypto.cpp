#include "fast_crypto.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "word_mixer.hpp"

namespace p2pdist::sim {
namespace {

constexpr std::size_t tag_bytes = 16;

class mixer : public word_mixer {
public:
    using word_mixer::add;
    using word_mixer::word_mixer;

    void add(byte_parts parts) {
        for (const auto& part : parts) add(part);
    }
    [[nodiscard]] std::uint64_t word() {
        add(std::uint64_t{0x66617374});
        return state() ^ state() >> 32;
    }
    void fill(std::span<std::uint8_t> out) {
        for (std::size_t at = 0; at < out.size(); at += 8) {
            const auto next = word();
            std::memcpy(out.data() + at, &next, std::min<std::size_t>(8, out.size() - at));
        }
    }
};

class fast_crypto final : public crypto_suite {
public:
    explicit fast_crypto(std::unique_ptr<crypto_suite> real) : real_(std::move(real)) {}

    [[nodiscard]] digest sha256(byte_parts parts) const override { return real_->sha256(parts); }
    [[nodiscard]] digest hmac_sha256(byte_span key, byte_parts parts) const override {
        mixer over(1);
        over.add(key);
        over.add(parts);
        digest out{};
        over.fill(out);
        return out;
    }
    [[nodiscard]] std::uint64_t siphash(const short_key& key, byte_parts parts) const override {
        mixer over(2);
        over.add(key);
        over.add(parts);
        return over.word();
    }
    [[nodiscard]] public_key x25519_public(const secret_key& secret) const override { return public_of(3, secret); }
    [[nodiscard]] std::optional<secret_key> x25519_shared(const secret_key& secret, const public_key& other) const override {
        // Both sides know both public keys, in whichever order.
        auto sum = x25519_public(secret);
        for (std::size_t i = 0; i < sum.size(); ++i) sum[i] = static_cast<std::uint8_t>(sum[i] ^ other[i]);
        mixer over(4);
        over.add(sum);
        secret_key out{};
        over.fill(out);
        return std::all_of(other.begin(), other.end(), [](auto each) { return each == 0; }) ? std::nullopt : std::optional(out);
    }
    [[nodiscard]] public_key ed25519_public(const secret_key& seed) const override { return public_of(5, seed); }
    [[nodiscard]] signature ed25519_sign(const secret_key& seed, byte_span message) const override {
        return signature_of(ed25519_public(seed), message);
    }
    [[nodiscard]] bool ed25519_verify(const public_key& key, byte_span message, const signature& sig) const override {
        return signature_of(key, message) == sig;
    }
    [[nodiscard]] bytes aead_seal(const secret_key& key, const aead_nonce& nonce, byte_span associated, byte_span plain) const override {
        bytes out(plain.size() + tag_bytes);
        std::copy(plain.begin(), plain.end(), out.begin());
        seal(key, nonce, associated, plain, std::span(out).last(tag_bytes));
        return out;
    }
    [[nodiscard]] std::optional<bytes> aead_open(const secret_key& key, const aead_nonce& nonce, byte_span associated,
                                                 byte_span sealed) const override {
        if (sealed.size() < tag_bytes) return std::nullopt;
        const auto plain = sealed.first(sealed.size() - tag_bytes);
        std::array<std::uint8_t, tag_bytes> tag{};
        seal(key, nonce, associated, plain, tag);
        if (!std::equal(tag.begin(), tag.end(), sealed.last(tag_bytes).begin())) return std::nullopt;
        return bytes(plain.begin(), plain.end());
    }

private:
    static public_key public_of(std::uint64_t kind, const secret_key& secret) {
        mixer over(kind);
        over.add(secret);
        public_key out{};
        over.fill(out);
        return out;
    }
    static signature signature_of(const public_key& key, byte_span message) {
        mixer over(6);
        over.add(key);
        over.add(message);
        signature out{};
        over.fill(out);
        return out;
    }
    static void seal(const secret_key& key, const aead_nonce& nonce, byte_span associated, byte_span plain, std::span<std::uint8_t> tag) {
        mixer over(7);
        over.add(key);
        over.add(nonce);
        over.add(associated);
        over.add(plain);
        over.fill(tag);
    }

    std::unique_ptr<crypto_suite> real_;
};

}  // namespace

std::unique_ptr<crypto_suite> make_fast_crypto(std::unique_ptr<crypto_suite> real) { return std::make_unique<fast_crypto>(std::move(real)); }

}  // namespace p2pdist::sim
