#pragma once
// Contents of any size out of a seed.

#include <cstdint>
#include <memory>
#include <string_view>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/content_info.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/crypto/crypto_suite.hpp"

namespace p2pdist::sim {

/// Word i of the bytes is a function of the seed and i alone. Copies share the bytes. Immutable: any thread.
class P2PDIST_API generated_content {
public:
    /// `id` has to be a valid content id (asserted). With hash_kind::sha256 it is a plain content of another system's making.
    generated_content(const crypto_suite& crypto, std::string_view id, std::uint64_t size_bytes, std::uint64_t seed,
                      hash_kind kind = hash_kind::sha256_tree);

    [[nodiscard]] const content_info& info() const noexcept { return info_; }
    [[nodiscard]] const std::shared_ptr<const bytes>& data() const noexcept { return data_; }
    /// The tree file that may lie beside the package (SRC-3).
    [[nodiscard]] const std::shared_ptr<const bytes>& tree_file() const noexcept { return tree_file_; }

private:
    content_info info_;
    std::shared_ptr<const bytes> data_;
    std::shared_ptr<const bytes> tree_file_;
};

}  // namespace p2pdist::sim
