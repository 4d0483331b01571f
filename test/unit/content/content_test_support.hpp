#pragma once

#include <memory>

#include "p2pdist/base/random.hpp"
#include "p2pdist/content/content_checks.hpp"
#include "p2pdist/content/hash_tree.hpp"
#include "p2pdist/content/store.hpp"
#include "p2pdist/driver/openssl_crypto.hpp"

namespace p2pdist::test {

inline const crypto_suite& crypto() {
    static const auto suite = make_openssl_crypto();
    return *suite;
}

inline bytes random_bytes(std::size_t size, std::uint64_t seed = 1) {
    random_source random(seed);
    bytes data(size);
    std::uint64_t word = 0;
    for (std::size_t at = 0; at < size; ++at, word >>= 8) {
        if (at % 8 == 0) word = random();
        data[at] = static_cast<std::uint8_t>(word);
    }
    return data;
}

inline bytes raw_proof(const hash_tree& tree, chunk_index chunk) {
    bytes raw;
    for (const auto& sibling : tree.proof(chunk)) raw.insert(raw.end(), sibling.begin(), sibling.end());
    return raw;
}

inline shared_bytes shared(bytes data) { return std::make_shared<const bytes>(std::move(data)); }

/// A content with its bytes and tree.
struct sample {
    explicit sample(std::size_t size, std::uint64_t seed = 1, hash_kind kind = hash_kind::sha256_tree)
        : data(random_bytes(size, seed)), tree(make_tree(crypto(), data)) {
        const auto value = kind == hash_kind::sha256 ? crypto().sha256({data}) : tree.root();
        info = {*content_id::parse("sample-" + std::to_string(size) + "-" + std::to_string(seed)), size, {kind, value}};
    }

    [[nodiscard]] content_key key() const { return info.key(); }
    [[nodiscard]] const chunk_geometry& geometry() const { return tree.geometry(); }
    [[nodiscard]] bytes chunk(chunk_index index) const {
        const auto place = geometry().chunk(index);
        return to_bytes(byte_span(data).subspan(place.offset, place.length));
    }
    [[nodiscard]] bytes region(chunk_index index) const {
        auto raw = raw_proof(tree, index);
        const auto part = chunk(index);
        raw.insert(raw.end(), part.begin(), part.end());
        return raw;
    }
    [[nodiscard]] store_write_chunk write(chunk_index index) const {
        return {key(), index, shared(raw_proof(tree, index)), shared(chunk(index))};
    }

    bytes data;
    hash_tree tree;
    content_info info;
};

}  // namespace p2pdist::test
