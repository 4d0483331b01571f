#include "p2pdist/driver/openssl_crypto.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "crypto/system_random.hpp"

namespace p2pdist {
namespace {

/// For what only a broken installation of OpenSSL can cause: there is no safe way to go on without cryptography.
[[noreturn]] void fatal(const char* what) {
    std::fprintf(stderr, "p2pdist: OpenSSL failed in %s; check the installation of libcrypto 3\n", what);
    std::abort();
}

void require(bool ok, const char* what) {
    if (!ok) fatal(what);
}

template <auto Free>
struct freer {
    template <class T>
    void operator()(T* object) const noexcept {
        Free(object);
    }
};
using md_context = std::unique_ptr<EVP_MD_CTX, freer<EVP_MD_CTX_free>>;
using mac_context = std::unique_ptr<EVP_MAC_CTX, freer<EVP_MAC_CTX_free>>;
using cipher_context = std::unique_ptr<EVP_CIPHER_CTX, freer<EVP_CIPHER_CTX_free>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freer<EVP_PKEY_free>>;
using key_context = std::unique_ptr<EVP_PKEY_CTX, freer<EVP_PKEY_CTX_free>>;

constexpr std::size_t sha256_block_bytes = 64;
constexpr int aead_tag_bytes = 16;
constexpr unsigned siphash_bytes = 8;

/// Fetched once: a fetch takes a lock and a search by name, more than the hash of a datagram. Never freed, so that objects that
/// outlive main() may still hash.
const EVP_MD* sha256_algorithm() {
    static const EVP_MD* const algorithm = [] {
        auto* fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
        require(fetched != nullptr, "EVP_MD_fetch");
        return fetched;
    }();
    return algorithm;
}

const EVP_CIPHER* aead_algorithm() {
    static const EVP_CIPHER* const algorithm = [] {
        auto* fetched = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
        require(fetched != nullptr, "EVP_CIPHER_fetch");
        return fetched;
    }();
    return algorithm;
}

/// One context a thread: allocating one per call would cost as much as hashing a small datagram.
EVP_MD_CTX* thread_digest_context() {
    thread_local const md_context context{EVP_MD_CTX_new()};
    require(context != nullptr, "EVP_MD_CTX_new");
    return context.get();
}

EVP_MAC_CTX* thread_siphash_context() {
    thread_local const mac_context context = [] {
        auto* algorithm = EVP_MAC_fetch(nullptr, "SIPHASH", nullptr);
        require(algorithm != nullptr, "EVP_MAC_fetch");
        mac_context made{EVP_MAC_CTX_new(algorithm)};  // takes a reference of its own
        EVP_MAC_free(algorithm);
        require(made != nullptr, "EVP_MAC_CTX_new");
        return made;
    }();
    return context.get();
}

void digest_begin(EVP_MD_CTX* context) { require(EVP_DigestInit_ex2(context, sha256_algorithm(), nullptr) == 1, "EVP_DigestInit_ex2"); }

void digest_add(EVP_MD_CTX* context, byte_span data) {
    if (!data.empty()) require(EVP_DigestUpdate(context, data.data(), data.size()) == 1, "EVP_DigestUpdate");
}

digest digest_end(EVP_MD_CTX* context) {
    digest out{};
    require(EVP_DigestFinal_ex(context, out.data(), nullptr) == 1, "EVP_DigestFinal_ex");
    return out;
}

key_ptr private_key(int type, const secret_key& secret) {
    key_ptr key{EVP_PKEY_new_raw_private_key(type, nullptr, secret.data(), secret.size())};
    require(key != nullptr, "EVP_PKEY_new_raw_private_key");
    return key;
}

public_key public_half(int type, const secret_key& secret) {
    const auto key = private_key(type, secret);
    public_key out{};
    auto size = out.size();
    require(EVP_PKEY_get_raw_public_key(key.get(), out.data(), &size) == 1 && size == out.size(), "EVP_PKEY_get_raw_public_key");
    return out;
}

int to_int(std::size_t size) {
    require(size <= INT32_MAX, "a size above 2 GiB");
    return static_cast<int>(size);
}

class openssl_crypto final : public crypto_suite {
public:
    digest sha256(byte_parts parts) const override {
        auto* context = thread_digest_context();
        digest_begin(context);
        for (const auto part : parts) digest_add(context, part);
        return digest_end(context);
    }

    // HMAC from the digest itself (RFC 2104): EVP_MAC looks its parameters up by name for each key, which costs several times as much.
    digest hmac_sha256(byte_span key, byte_parts parts) const override {
        std::array<std::uint8_t, sha256_block_bytes> inner_pad{};
        if (key.size() > inner_pad.size()) {
            const auto hashed = sha256({key});
            std::copy(hashed.begin(), hashed.end(), inner_pad.begin());
        } else {
            std::copy(key.begin(), key.end(), inner_pad.begin());
        }
        auto outer_pad = inner_pad;
        for (auto& byte : inner_pad) byte ^= 0x36;
        for (auto& byte : outer_pad) byte ^= 0x5c;

        auto* context = thread_digest_context();
        digest_begin(context);
        digest_add(context, inner_pad);
        for (const auto part : parts) digest_add(context, part);
        const auto inner = digest_end(context);
        digest_begin(context);
        digest_add(context, outer_pad);
        digest_add(context, inner);
        OPENSSL_cleanse(inner_pad.data(), inner_pad.size());
        OPENSSL_cleanse(outer_pad.data(), outer_pad.size());
        return digest_end(context);
    }

    std::uint64_t siphash(const short_key& key, byte_parts parts) const override {
        auto* context = thread_siphash_context();
        auto size = siphash_bytes;  // OpenSSL's parameter wants a variable
        const std::array<OSSL_PARAM, 2> parameters{OSSL_PARAM_construct_uint(OSSL_MAC_PARAM_SIZE, &size), OSSL_PARAM_construct_end()};
        require(EVP_MAC_init(context, key.data(), key.size(), parameters.data()) == 1, "EVP_MAC_init");
        for (const auto part : parts) {
            if (!part.empty()) require(EVP_MAC_update(context, part.data(), part.size()) == 1, "EVP_MAC_update");
        }
        std::array<std::uint8_t, siphash_bytes> out{};
        std::size_t written = 0;
        require(EVP_MAC_final(context, out.data(), &written, out.size()) == 1 && written == out.size(), "EVP_MAC_final");
        std::uint64_t value = 0;  // the paper's 64-bit number: its bytes come in little-endian order
        for (auto byte = out.rbegin(); byte != out.rend(); ++byte) value = value << 8 | *byte;
        return value;
    }

    public_key x25519_public(const secret_key& secret) const override { return public_half(EVP_PKEY_X25519, secret); }

    std::optional<secret_key> x25519_shared(const secret_key& secret, const public_key& other) const override {
        const auto own = private_key(EVP_PKEY_X25519, secret);
        const key_ptr peer{EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, other.data(), other.size())};
        require(peer != nullptr, "EVP_PKEY_new_raw_public_key");
        const key_context context{EVP_PKEY_CTX_new_from_pkey(nullptr, own.get(), nullptr)};
        require(context && EVP_PKEY_derive_init(context.get()) == 1, "EVP_PKEY_derive_init");
        require(EVP_PKEY_derive_set_peer(context.get(), peer.get()) == 1, "EVP_PKEY_derive_set_peer");
        secret_key out{};
        auto size = out.size();
        // OpenSSL refuses an all-zero result by itself.
        if (EVP_PKEY_derive(context.get(), out.data(), &size) != 1 || size != out.size()) return std::nullopt;
        return out;
    }

    public_key ed25519_public(const secret_key& seed) const override { return public_half(EVP_PKEY_ED25519, seed); }

    signature ed25519_sign(const secret_key& seed, byte_span message) const override {
        const auto key = private_key(EVP_PKEY_ED25519, seed);
        const md_context context{EVP_MD_CTX_new()};
        require(context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1, "EVP_DigestSignInit");
        signature out{};
        auto size = out.size();
        require(EVP_DigestSign(context.get(), out.data(), &size, message.data(), message.size()) == 1 && size == out.size(),
                "EVP_DigestSign");
        return out;
    }

    bool ed25519_verify(const public_key& key, byte_span message, const signature& sig) const override {
        const key_ptr peer{EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size())};
        if (!peer) return false;
        const md_context context{EVP_MD_CTX_new()};
        require(context != nullptr, "EVP_MD_CTX_new");
        return EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, peer.get()) == 1 &&
               EVP_DigestVerify(context.get(), sig.data(), sig.size(), message.data(), message.size()) == 1;
    }

    bytes aead_seal(const secret_key& key, const aead_nonce& nonce, byte_span associated, byte_span plain) const override {
        const cipher_context context{EVP_CIPHER_CTX_new()};
        require(context && EVP_EncryptInit_ex2(context.get(), aead_algorithm(), key.data(), nonce.data(), nullptr) == 1,
                "EVP_EncryptInit_ex2");
        int written = 0;
        if (!associated.empty()) {
            require(EVP_EncryptUpdate(context.get(), nullptr, &written, associated.data(), to_int(associated.size())) == 1,
                    "EVP_EncryptUpdate");
        }
        bytes out(plain.size() + aead_tag_bytes);
        if (!plain.empty()) {
            require(EVP_EncryptUpdate(context.get(), out.data(), &written, plain.data(), to_int(plain.size())) == 1, "EVP_EncryptUpdate");
        }
        require(EVP_EncryptFinal_ex(context.get(), out.data() + plain.size(), &written) == 1, "EVP_EncryptFinal_ex");
        require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, aead_tag_bytes, out.data() + plain.size()) == 1, "AEAD_GET_TAG");
        return out;
    }

    std::optional<bytes> aead_open(const secret_key& key, const aead_nonce& nonce, byte_span associated, byte_span sealed) const override {
        if (sealed.size() < aead_tag_bytes) return std::nullopt;
        const auto cipher = sealed.first(sealed.size() - aead_tag_bytes);
        std::array<std::uint8_t, aead_tag_bytes> tag{};
        std::copy(sealed.end() - aead_tag_bytes, sealed.end(), tag.begin());

        const cipher_context context{EVP_CIPHER_CTX_new()};
        require(context && EVP_DecryptInit_ex2(context.get(), aead_algorithm(), key.data(), nonce.data(), nullptr) == 1,
                "EVP_DecryptInit_ex2");
        require(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, aead_tag_bytes, tag.data()) == 1, "AEAD_SET_TAG");
        int written = 0;
        if (!associated.empty()) {
            require(EVP_DecryptUpdate(context.get(), nullptr, &written, associated.data(), to_int(associated.size())) == 1,
                    "EVP_DecryptUpdate");
        }
        bytes out(cipher.size());
        if (!cipher.empty()) {
            require(EVP_DecryptUpdate(context.get(), out.data(), &written, cipher.data(), to_int(cipher.size())) == 1, "EVP_DecryptUpdate");
        }
        std::uint8_t none = 0;
        if (EVP_DecryptFinal_ex(context.get(), &none, &written) != 1) return std::nullopt;
        return out;
    }
};

/// The operating system's generator, not OpenSSL's: that one keeps its state in this process's memory, so that a virtual machine that is
/// resumed twice from one snapshot would draw the same numbers twice. The kernel's is told of a resume (by the hypervisor's generation
/// id) and mixes in fresh entropy before it gives the next byte. A call a nonce costs less than the hash that follows it.
class system_entropy final : public entropy {
public:
    void fill(mutable_byte_span out) override {
        if (fill_from_system(out)) return;
        std::fprintf(stderr, "p2pdist: the operating system gives no random numbers\n");
        std::abort();
    }
};

}  // namespace

std::unique_ptr<crypto_suite> make_openssl_crypto() { return std::make_unique<openssl_crypto>(); }

std::unique_ptr<entropy> make_system_entropy() { return std::make_unique<system_entropy>(); }

}  // namespace p2pdist
