#include "p2pdist/sim/generated_content.hpp"

#include "p2pdist/base/assert.hpp"
#include "p2pdist/content/hash_tree.hpp"
#include "p2pdist/content/tree_file.hpp"

namespace p2pdist::sim {
namespace {

std::uint64_t word_at(std::uint64_t seed, std::uint64_t index) noexcept {
    auto z = seed + (index + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

bytes generate(std::uint64_t size_bytes, std::uint64_t seed) {
    bytes out(size_bytes);
    std::uint64_t word = 0;
    for (std::uint64_t at = 0; at < size_bytes; ++at, word >>= 8) {
        if (at % 8 == 0) word = word_at(seed, at / 8);
        out[at] = static_cast<std::uint8_t>(word);
    }
    return out;
}

}  // namespace

generated_content::generated_content(const crypto_suite& crypto, std::string_view id, std::uint64_t size_bytes, std::uint64_t seed, hash_kind kind)
    : data_(std::make_shared<const bytes>(generate(size_bytes, seed))) {
    auto parsed = content_id::parse(id);
    P2PDIST_ASSERT(parsed.has_value());
    const auto tree = make_tree(crypto, *data_);
    info_ = {std::move(*parsed), size_bytes, {kind, kind == hash_kind::sha256 ? crypto.sha256({*data_}) : tree.root()}};
    tree_file_ = std::make_shared<const bytes>(encode_tree_file(tree));
}

}  // namespace p2pdist::sim
