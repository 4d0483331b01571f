// What the hash tree of a content costs beside one plain SHA-256 of the same bytes.

#include "harness.hpp"
#include "p2pdist/content/hash_tree.hpp"
#include "p2pdist/driver/openssl_crypto.hpp"

namespace {

using namespace p2pdist;

digest build_in_order(const crypto_suite& crypto, const chunk_geometry& geometry, byte_span content) {
    tree_builder builder(crypto);
    for (chunk_index index = 0; index < geometry.chunk_count(); ++index) {
        const auto chunk = geometry.chunk(index);
        builder.append(leaf_hash(crypto, content.subspan(chunk.offset, chunk.length)));
    }
    return builder.root(content.size());
}

/// What a receiver does: each chunk alone, with its proof.
bool verify_all(const crypto_suite& crypto, const hash_tree& tree, const std::vector<bytes>& proofs, byte_span content) {
    const auto& geometry = tree.geometry();
    for (chunk_index index = 0; index < geometry.chunk_count(); ++index) {
        const auto chunk = geometry.chunk(index);
        if (!verify_chunk(crypto, geometry, tree.root(), index, proofs[index], content.subspan(chunk.offset, chunk.length))) return false;
    }
    return true;
}

std::vector<bytes> proofs_of(const hash_tree& tree) {
    std::vector<bytes> proofs;
    for (chunk_index index = 0; index < tree.geometry().chunk_count(); ++index) {
        auto& proof = proofs.emplace_back();
        for (const auto& sibling : tree.proof(index)) proof.insert(proof.end(), sibling.begin(), sibling.end());
    }
    return proofs;
}

}  // namespace

int main(int argc, char** argv) {
    bench::report report("tree", argc, argv);
    const auto crypto = make_openssl_crypto();
    // Not a whole number of chunks, nor a power of two of them.
    const auto content = bench::random_bytes((report.tiny() ? std::size_t{1} << 20 : std::size_t{24} << 20) - 1000, 1);
    const auto size = static_cast<double>(content.size());
    const auto tree = make_tree(*crypto, content);
    const auto proofs = proofs_of(tree);
    const auto plain = crypto->sha256({content});
    const auto reference = [&] { bench::require(crypto->sha256({content}) == plain, "sha256"); };

    report.compare("tree.make_tree", "B", size, reference,
                   [&] { bench::require(make_tree(*crypto, content).root() == tree.root(), "make_tree"); });
    report.compare("tree.builder", "B", size, reference,
                   [&] { bench::require(build_in_order(*crypto, tree.geometry(), content) == tree.root(), "tree_builder"); });
    report.compare("tree.verify_chunks", "B", size, reference,
                   [&] { bench::require(verify_all(*crypto, tree, proofs, content), "verify_chunk"); });
    report.print();
}
