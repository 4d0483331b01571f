// Tree files from a CDN: those that are taken are the content's.

#include "p2pdist/content/tree_file.hpp"
#include "support/fuzz_target.hpp"
#include "support/toy_crypto.hpp"

using namespace p2pdist;

P2PDIST_FUZZ_TARGET(tree_file) {
    static const fuzz::toy_crypto crypto;
    const auto chunks = input.below(20);
    const auto size = chunks == 0 ? 0 : (chunks - 1) * chunk_bytes + 1 + input.below(chunk_bytes);
    std::vector<digest> leaves(chunks);
    for (std::size_t i = 0; i < leaves.size(); ++i) leaves[i] = crypto.sha256({as_bytes(std::to_string(i))});
    const hash_tree tree(crypto, size, leaves);
    const auto file = encode_tree_file(tree);
    fuzz::check(file.size() == tree_file_bytes(size), "a tree file has another size than was said");
    fuzz::check(parse_tree_file(crypto, size, tree.root(), file).has_value(), "a tree file does not read");

    const auto altered = input.flag() ? fuzz::mutated(input, file) : to_bytes(input.rest());
    const auto read = parse_tree_file(crypto, size, tree.root(), altered);
    fuzz::check(!read || altered == file, "another tree file leads to the root");
    const auto other_size = input.u64() % (limits::content_bytes_max + 1);
    fuzz::check(!parse_tree_file(crypto, other_size, tree.root(), file) || other_size == size, "a tree file fits another size");
}
