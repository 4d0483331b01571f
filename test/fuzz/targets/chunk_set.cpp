// Chunk sets: the codec, and the algebra against a plain list of bits.

#include "p2pdist/content/chunk_set.hpp"
#include "support/fuzz_target.hpp"

using namespace p2pdist;

namespace {

void compare(const chunk_set& set, const std::vector<bool>& bits) {
    chunk_index count = 0;
    for (chunk_index i = 0; i < bits.size(); ++i) {
        fuzz::check(set.contains(i) == bits[i], "a chunk is not where it was put");
        count += bits[i] ? 1 : 0;
    }
    fuzz::check(set.count() == count && set.full() == (count == bits.size()), "a set counts wrongly");
    chunk_index in_ranges = 0;
    for (const auto& range : set.ranges()) in_ranges += range.count;
    fuzz::check(in_ranges == count, "the ranges are not the set");
    const auto again = chunk_set::decode(set.chunk_count(), set.encode());
    fuzz::check(again && *again == set, "a set does not come back as it was");
}

}  // namespace

P2PDIST_FUZZ_TARGET(chunk_set) {
    const auto count = static_cast<chunk_index>(input.below(600));
    if (input.flag()) {
        const auto chunks = input.flag() ? count : static_cast<chunk_index>(input.u32() % (1u << 20));
        if (const auto read = chunk_set::decode(chunks, input.rest())) {
            fuzz::check(read->chunk_count() == chunks && read->count() <= chunks, "a set of another size");
            const auto again = chunk_set::decode(chunks, read->encode());
            fuzz::check(again && *again == *read, "a set that was read is another one when it is written and read again");
        }
        return;
    }
    chunk_set set(count), other(count);
    std::vector<bool> bits(count), other_bits(count);
    while (!input.empty() && count > 0) {
        const auto first = static_cast<chunk_index>(input.below(count));
        const auto length = static_cast<chunk_index>(input.below(count - first + 1));
        const auto fill = [&](std::vector<bool>& to, bool value) {
            for (auto i = first; i < first + length; ++i) to[i] = value;
        };
        switch (input.below(6)) {
            case 0: set.insert({first, length}); fill(bits, true); break;
            case 1: set.erase({first, length}); fill(bits, false); break;
            case 2: other.insert({first, length}); fill(other_bits, true); break;
            case 3:
                set |= other;
                for (chunk_index i = 0; i < count; ++i) bits[i] = bits[i] || other_bits[i];
                break;
            case 4:
                set -= other;
                for (chunk_index i = 0; i < count; ++i) bits[i] = bits[i] && !other_bits[i];
                break;
            default: {
                const auto changed = set.insert(first);
                fuzz::check(changed != bits[first], "an insertion is told wrongly");
                bits[first] = true;
                break;
            }
        }
        chunk_index common = 0;
        for (chunk_index i = 0; i < count; ++i) common += bits[i] && other_bits[i] ? 1 : 0;
        fuzz::check(set.common(other) == common && set.intersects(other) == (common > 0), "two sets have another part in common");
    }
    compare(set, bits);
    compare(set.complement(), [&] {
        bits.flip();
        return bits;
    }());
}
