#include "memory_entry.hpp"

#include <algorithm>

#include "p2pdist/base/canary.hpp"

#include "p2pdist/base/limits.hpp"
#include "p2pdist/content/tree_file.hpp"

namespace p2pdist {

namespace {

bytes join(byte_span proof, byte_span data) {
    bytes region;
    region.reserve(proof.size() + data.size());
    region.insert(region.end(), proof.begin(), proof.end());
    region.insert(region.end(), data.begin(), data.end());
    return region;
}

bytes flatten(const std::vector<digest>& proof) {
    bytes raw;
    for (const auto& sibling : proof) raw.insert(raw.end(), sibling.begin(), sibling.end());
    return raw;
}

/// The memory of a region as it arrived, where proof and data are exactly one buffer: nothing to copy then.
shared_region adopt(const shared_bytes& proof, const shared_bytes& data) {
    const auto& owner = data.owner;
    const bool one_buffer = owner && owner == proof.owner && owner->data() == proof.view.data() &&
                            proof.view.data() + proof.view.size() == data.view.data() && owner->size() == proof.view.size() + data.view.size();
    return one_buffer ? owner : std::make_shared<const bytes>(join(proof.view, data.view));
}

/// Often it is the same memory.
bool same(byte_span left, byte_span right) {
    return left.size() == right.size() && (left.data() == right.data() || std::ranges::equal(left, right));
}

}  // namespace

memory_entry::memory_entry(const crypto_suite& crypto, content_info content, memory_chunk_pool* pool)
    : crypto_(&crypto),
      pool_(pool),
      content_(std::move(content)),
      geometry_(content_.size_bytes),
      verified_(geometry_.chunk_count()),
      regions_(geometry_.chunk_count()) {
    if (content_.hash.kind == hash_kind::sha256_tree) tree_root_ = content_.hash.value;
    // Nothing is missing of an empty content, if its hash says that it is one.
    if (content_.size_bytes == 0) (void)finish();
}

store_opened memory_entry::opened() const { return {verified_, append_position(), whole_ || tree_.has_value(), whole_, tree_root_, {}}; }

std::uint64_t memory_entry::held_bytes() const noexcept {
    return std::max<std::uint64_t>(verified_.content_bytes(geometry_), appended_.size());
}

std::uint64_t memory_entry::append_position() const noexcept {
    std::uint64_t position = appended_.size();
    while (position < content_.size_bytes && verified_.contains(static_cast<chunk_index>(position / chunk_bytes))) {
        position = geometry_.chunk(static_cast<chunk_index>(position / chunk_bytes)).end();
    }
    return position;
}

void memory_entry::keep(chunk_index chunk, shared_region region) {
    if (pool_) pool_->add(tree_root_, chunk, region);
    regions_[chunk] = std::move(region);
    verified_.insert(chunk);
    if (content_.hash.kind != hash_kind::sha256_tree || !verified_.full()) return;
    whole_ = true;
    tree_.reset();
    appended_ = {};
}

void memory_entry::keep(const hash_tree& tree, chunk_index chunk, byte_span data) {
    const auto proof = flatten(tree.proof(chunk));
    if (pool_) {
        const auto known = pool_->find(tree.root(), chunk);
        if (known && std::ranges::equal(byte_span(*known).subspan(proof.size()), data)) return keep(chunk, known);
    }
    keep(chunk, std::make_shared<const bytes>(join(proof, data)));
}

bool memory_entry::fits(chunk_index chunk, byte_span proof, byte_span data) const {
    if (proof.empty() && tree_) return data.size() == geometry_.chunk(chunk).length && leaf_hash(*crypto_, data) == tree_->leaves()[chunk];
    return verify_chunk(*crypto_, geometry_, tree_root_, chunk, proof, data);
}

result<store_written> memory_entry::write(const store_write_chunk& request) {
    const auto chunk = request.chunk;
    if (chunk >= geometry_.chunk_count()) return {errc::invalid_argument, "a chunk behind the last one"};
    if (verified_.contains(chunk)) return store_written{chunk};
    if (content_.hash.kind != hash_kind::sha256_tree) return {errc::invalid_argument, "a plain SHA-256 content can only be appended to"};
    const auto known = pool_ ? pool_->find(tree_root_, chunk) : nullptr;
    const auto proof_size = static_cast<std::size_t>(geometry_.proof_bytes(chunk));
    if (known && same(byte_span(*known).subspan(proof_size), request.data.view) &&
        (request.proof.view.empty() || same(byte_span(*known).first(proof_size), request.proof.view))) {
        keep(chunk, known);
    } else if (!fits(chunk, request.proof.view, request.data.view) && !sings(canary::unverified_chunk)) {
        return {errc::integrity_failed, "chunk " + std::to_string(chunk) + " does not fit the content's hash"};
    } else if (request.proof.view.size() == proof_size) {
        keep(chunk, adopt(request.proof, request.data));
    } else {
        keep(*tree_, chunk, request.data.view);
    }
    return store_written{chunk};
}

result<store_appended> memory_entry::append(const store_append& request) {
    if (request.data.view.size() > limits::store_append_bytes_max) return {errc::limit_reached, "more than one request may append"};
    if (request.offset < appended_.size() || request.offset > append_position())
        return {errc::invalid_argument, "bytes must be appended at offset " + std::to_string(append_position())};
    if (request.data.view.size() > content_.size_bytes - request.offset) return {errc::invalid_argument, "more bytes than the content has"};
    appended_.resize(request.offset);
    appended_.insert(appended_.end(), request.data.view.begin(), request.data.view.end());
    return store_appended{append_position()};
}

bytes memory_entry::assemble() const {
    bytes all(content_.size_bytes);
    std::copy(appended_.begin(), appended_.end(), all.begin());
    for (auto chunk = verified_.first_present(); chunk; chunk = verified_.first_present(*chunk + 1)) {
        const auto data = byte_span(*regions_[*chunk]).subspan(geometry_.proof_bytes(*chunk));
        std::copy(data.begin(), data.end(), all.begin() + static_cast<std::ptrdiff_t>(geometry_.chunk(*chunk).offset));
    }
    return all;
}

result<void> memory_entry::finish() {
    if (whole_) return {};
    if (append_position() != content_.size_bytes) return {errc::invalid_argument, "bytes are missing behind offset " + std::to_string(append_position())};
    const auto all = assemble();
    const auto tree = make_tree(*crypto_, all);
    const auto found = content_.hash.kind == hash_kind::sha256 ? crypto_->sha256({all}) : tree.root();
    if (found != content_.hash.value) {
        appended_ = {};
        return {errc::integrity_failed, "the whole does not fit the hash of content " + content_.key().to_string()};
    }
    fill(tree, all);
    return {};
}

result<void> memory_entry::install_tree(byte_span file) {
    if (content_.hash.kind != hash_kind::sha256_tree) return {errc::invalid_argument, "nothing proves a tree file of a plain SHA-256 content"};
    auto tree = parse_tree_file(*crypto_, content_.size_bytes, content_.hash.value, file);
    if (!tree) return tree.error();
    if (whole_) return {};
    tree_ = *tree;
    const auto had = byte_span(appended_);
    const bytes kept(had.begin(), had.end());
    for (auto chunk = verified_.first_missing(); chunk; chunk = verified_.first_missing(*chunk + 1)) {
        const auto place = geometry_.chunk(*chunk);
        if (place.end() > kept.size()) break;
        const auto data = byte_span(kept).subspan(place.offset, place.length);
        if (leaf_hash(*crypto_, data) == tree->leaves()[*chunk]) keep(*tree, *chunk, data);
    }
    return {};
}

void memory_entry::fill(const hash_tree& tree, byte_span whole) {
    tree_root_ = tree.root();
    for (auto chunk = verified_.first_missing(); chunk; chunk = verified_.first_missing(*chunk + 1)) {
        const auto place = geometry_.chunk(*chunk);
        keep(tree, *chunk, whole.subspan(place.offset, place.length));
    }
    whole_ = true;
    tree_.reset();
    appended_ = {};
}

void memory_entry::lose(chunk_index chunk) {
    if (!verified_.contains(chunk)) return;
    // A plain hash says nothing about single chunks: the local tree still proves those that are left, but a missing one can
    // only be mended by appending the whole anew.
    regions_[chunk].reset();
    verified_.erase(chunk);
    appended_.resize(std::min<std::uint64_t>(appended_.size(), geometry_.chunk(chunk).offset));
    whole_ = false;
}

}  // namespace p2pdist
