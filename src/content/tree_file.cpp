#include "p2pdist/content/tree_file.hpp"

#include <algorithm>

namespace p2pdist {

namespace {

constexpr std::string_view magic_and_version("P2PTREE\x01", 8);
constexpr std::uint64_t header_bytes = 16;

}  // namespace

std::uint64_t tree_file_bytes(std::uint64_t content_size_bytes) noexcept {
    return header_bytes + digest_bytes * chunk_geometry(content_size_bytes).chunk_count();
}

bytes encode_tree_file(const hash_tree& tree) {
    bytes out;
    out.reserve(tree_file_bytes(tree.geometry().size_bytes()));
    byte_writer writer(out);
    writer.raw(as_bytes(magic_and_version));
    writer.u64(tree.geometry().size_bytes());
    for (const auto& leaf : tree.leaves()) writer.raw(leaf);
    return out;
}

result<hash_tree> parse_tree_file(const crypto_suite& crypto, std::uint64_t size_bytes, const digest& root, byte_span file) {
    byte_reader in(file);
    if (as_text(in.raw(8)) != magic_and_version) return {errc::malformed, "tree file: not one of this version"};
    if (in.u64() != size_bytes || !in.ok()) return {errc::malformed, "tree file: of a content of another size"};
    if (file.size() != tree_file_bytes(size_bytes)) return {errc::malformed, "tree file: cut off or too long"};
    std::vector<digest> leaves(chunk_geometry(size_bytes).chunk_count());
    for (auto& leaf : leaves) {
        const auto raw = in.raw(leaf.size());
        std::copy(raw.begin(), raw.end(), leaf.begin());
    }
    hash_tree tree(crypto, size_bytes, std::move(leaves));
    if (tree.root() != root) return {errc::integrity_failed, "tree file: its hashes don't lead to the content's hash"};
    return tree;
}

}  // namespace p2pdist
