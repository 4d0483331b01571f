#include "p2pdist/content/chunk_set.hpp"

#include <algorithm>
#include <bit>

#include "p2pdist/base/assert.hpp"

namespace p2pdist {

namespace {

constexpr std::uint64_t all_bits = ~std::uint64_t{0};
constexpr std::size_t word_bits = 64;

/// The bits of word `word` that lie in [first, end).
std::uint64_t mask(std::size_t word, std::uint64_t first, std::uint64_t end) noexcept {
    const std::uint64_t start = word * word_bits;
    const auto from = std::max(first, start) - start;
    const auto to = std::min<std::uint64_t>(end - start, word_bits);
    return (all_bits << from) & (all_bits >> (word_bits - to));
}

}  // namespace

chunk_set::chunk_set(chunk_index chunk_count, bool filled) : words_((chunk_count + word_bits - 1) / word_bits), chunk_count_(chunk_count) {
    if (filled) insert(chunk_range{0, chunk_count});
}

bool chunk_set::contains(chunk_index index) const noexcept {
    P2PDIST_ASSERT(index < chunk_count_);
    return (words_[index / word_bits] >> (index % word_bits) & 1) != 0;
}

bool chunk_set::insert(chunk_index index) noexcept {
    if (contains(index)) return false;
    words_[index / word_bits] |= std::uint64_t{1} << (index % word_bits);
    ++count_;
    return true;
}

bool chunk_set::erase(chunk_index index) noexcept {
    if (!contains(index)) return false;
    words_[index / word_bits] &= ~(std::uint64_t{1} << (index % word_bits));
    --count_;
    return true;
}

void chunk_set::insert(chunk_range range) noexcept {
    P2PDIST_ASSERT(range.end() <= chunk_count_);
    if (range.count == 0) return;
    for (std::size_t word = range.first / word_bits; word * word_bits < range.end(); ++word) {
        const auto bits = mask(word, range.first, range.end());
        count_ += static_cast<chunk_index>(std::popcount(bits & ~words_[word]));
        words_[word] |= bits;
    }
}

void chunk_set::erase(chunk_range range) noexcept {
    P2PDIST_ASSERT(range.end() <= chunk_count_);
    if (range.count == 0) return;
    for (std::size_t word = range.first / word_bits; word * word_bits < range.end(); ++word) {
        const auto bits = mask(word, range.first, range.end());
        count_ -= static_cast<chunk_index>(std::popcount(bits & words_[word]));
        words_[word] &= ~bits;
    }
}

void chunk_set::clear() noexcept {
    std::fill(words_.begin(), words_.end(), 0);
    count_ = 0;
}

template <bool Present>
std::optional<chunk_index> chunk_set::first(chunk_index from) const noexcept {
    P2PDIST_ASSERT(from <= chunk_count_);
    auto ignored = all_bits << (from % word_bits);
    for (std::size_t word = from / word_bits; word < words_.size(); ++word, ignored = all_bits) {
        const auto bits = (Present ? words_[word] : ~words_[word]) & ignored;
        if (bits == 0) continue;
        const auto index = word * word_bits + static_cast<std::size_t>(std::countr_zero(bits));
        if (index >= chunk_count_) break;
        return static_cast<chunk_index>(index);
    }
    return std::nullopt;
}

std::optional<chunk_index> chunk_set::first_present(chunk_index from) const noexcept { return first<true>(from); }
std::optional<chunk_index> chunk_set::first_missing(chunk_index from) const noexcept { return first<false>(from); }

std::optional<chunk_index> chunk_set::first_outside(const chunk_set& other, chunk_index from) const noexcept {
    P2PDIST_ASSERT(chunk_count_ == other.chunk_count_ && from <= chunk_count_);
    auto ignored = all_bits << (from % word_bits);
    for (std::size_t word = from / word_bits; word < words_.size(); ++word, ignored = all_bits) {
        const auto bits = words_[word] & ~other.words_[word] & ignored;
        if (bits != 0) return static_cast<chunk_index>(word * word_bits + static_cast<std::size_t>(std::countr_zero(bits)));
    }
    return std::nullopt;
}

template <bool Present>
std::vector<chunk_range> chunk_set::runs(std::size_t limit) const {
    std::vector<chunk_range> found;
    for (auto start = first<Present>(0); start && found.size() < limit;) {
        const auto end = first<!Present>(*start).value_or(chunk_count_);
        found.push_back({*start, end - *start});
        start = first<Present>(end);
    }
    return found;
}

std::vector<chunk_range> chunk_set::ranges(std::size_t limit) const { return runs<true>(limit); }
std::vector<chunk_range> chunk_set::missing_ranges(std::size_t limit) const { return runs<false>(limit); }

void chunk_set::recount() noexcept {
    count_ = 0;
    for (const auto word : words_) count_ += static_cast<chunk_index>(std::popcount(word));
}

chunk_set& chunk_set::operator|=(const chunk_set& other) noexcept {
    P2PDIST_ASSERT(chunk_count_ == other.chunk_count_);
    for (std::size_t word = 0; word < words_.size(); ++word) words_[word] |= other.words_[word];
    recount();
    return *this;
}

chunk_set& chunk_set::operator&=(const chunk_set& other) noexcept {
    P2PDIST_ASSERT(chunk_count_ == other.chunk_count_);
    for (std::size_t word = 0; word < words_.size(); ++word) words_[word] &= other.words_[word];
    recount();
    return *this;
}

chunk_set& chunk_set::operator-=(const chunk_set& other) noexcept {
    P2PDIST_ASSERT(chunk_count_ == other.chunk_count_);
    for (std::size_t word = 0; word < words_.size(); ++word) words_[word] &= ~other.words_[word];
    recount();
    return *this;
}

chunk_set chunk_set::complement() const { return chunk_set(chunk_count_, true) -= *this; }

chunk_index chunk_set::common(const chunk_set& other) const noexcept {
    P2PDIST_ASSERT(chunk_count_ == other.chunk_count_);
    chunk_index both = 0;
    for (std::size_t word = 0; word < words_.size(); ++word) {
        both += static_cast<chunk_index>(std::popcount(words_[word] & other.words_[word]));
    }
    return both;
}

bool chunk_set::intersects(const chunk_set& other) const noexcept {
    P2PDIST_ASSERT(chunk_count_ == other.chunk_count_);
    for (std::size_t word = 0; word < words_.size(); ++word) {
        if ((words_[word] & other.words_[word]) != 0) return true;
    }
    return false;
}

bool chunk_set::is_subset_of(const chunk_set& other) const noexcept {
    P2PDIST_ASSERT(chunk_count_ == other.chunk_count_);
    for (std::size_t word = 0; word < words_.size(); ++word) {
        if ((words_[word] & ~other.words_[word]) != 0) return false;
    }
    return true;
}

std::uint64_t chunk_set::content_bytes(const chunk_geometry& geometry) const noexcept {
    P2PDIST_ASSERT(chunk_count_ == geometry.chunk_count());
    if (count_ == 0) return 0;
    const auto last = chunk_count_ - 1;
    const auto missing_tail = contains(last) ? chunk_bytes - geometry.chunk(last).length : 0;
    return count_ * chunk_bytes - missing_tail;
}

}  // namespace p2pdist
