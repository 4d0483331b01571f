// A stored content whose files somebody altered while nobody looked: what it gives out is right or nothing.

#include "driver/store/stored_content.hpp"
#include "support/fuzz_target.hpp"
#include "support/scratch.hpp"
#include "support/toy_crypto.hpp"

using namespace p2pdist;

namespace {

void alter(fuzz::fuzz_input& input, const std::filesystem::path& path) {
    auto raw = detail::read_small_file(path, 2u << 20);
    if (!raw) return;
    bytes altered;
    if (input.flag()) {
        altered = fuzz::mutated(input, *raw);
    } else {
        altered = *raw;
        const auto at = input.below(altered.size() + 1);
        const auto part = input.piece(200);
        for (std::size_t i = 0; i < part.size() && at + i < altered.size(); ++i) altered[at + i] = part[i];
    }
    if (const auto out = detail::file::open(path, detail::file::mode::read_write)) {
        (void)out->resize(altered.size());
        (void)out->write_at(0, altered);
    }
}

}  // namespace

P2PDIST_FUZZ_TARGET(stored_content) {
    static const fuzz::toy_crypto crypto;
    static const fuzz::scratch here;
    static const bytes data(chunk_bytes + 700, 0x5a);
    const auto directory = here.path() / "one";
    std::filesystem::remove_all(directory);
    detail::store_context context{crypto, {}, {}};
    const auto tree = make_tree(crypto, data);
    const content_info content{*content_id::parse("app"), data.size(), {hash_kind::sha256_tree, tree.root()}};
    {
        auto made = detail::stored_content::create(context, directory, {content, false, {}, 0});
        fuzz::check(made.has_value(), "a content cannot be made");
        std::vector<chunk_index> staged;
        for (chunk_index chunk = 0; chunk < 2; ++chunk) {
            if (input.flag()) continue;
            bytes proof;
            for (const auto& node : tree.proof(chunk)) proof.insert(proof.end(), node.begin(), node.end());
            const auto range = tree.geometry().chunk(chunk);
            store_write_chunk write{content.key(), chunk, std::make_shared<const bytes>(proof),
                                    std::make_shared<const bytes>(to_bytes(byte_span(data).subspan(range.offset, range.length)))};
            fuzz::check((*made)->stage_chunk(write).has_value(), "a right chunk is refused");
            staged.push_back(chunk);
        }
        if (input.flag()) fuzz::check((*made)->commit(staged, std::nullopt, 0).has_value(), "chunks cannot be committed");
    }
    for (const auto* name : {"journal", "tree", "content", "info"}) {
        if (input.flag()) alter(input, directory / name);
    }
    const auto loaded = detail::stored_content::load(context, directory);
    if (!loaded) return;
    if ((*loaded)->content() != content) return;   // an info file with a check value of its own
    const auto verified = (*loaded)->opened().verified;
    fuzz::check((*loaded)->verified_bytes() <= data.size(), "more is verified than there is");
    for (chunk_index chunk = 0; chunk < 2; ++chunk) {
        const auto region = (*loaded)->read(chunk);
        if (!region) continue;
        const auto range = tree.geometry().chunk(chunk);
        fuzz::check(verified.contains(chunk), "a chunk is given out that does not count as verified");
        fuzz::check(std::ranges::equal(region->region.view.last(range.length), byte_span(data).subspan(range.offset, range.length)),
                    "wrong bytes are given out");
    }
}
