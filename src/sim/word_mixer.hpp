#pragma once
// A quick hash of words and bytes, for comparing worlds and imitating cryptography; nothing that anybody attacks.

#include <bit>
#include <cstdint>
#include <cstring>

#include "p2pdist/base/bytes.hpp"

namespace p2pdist::sim {

class word_mixer {
public:
    explicit word_mixer(std::uint64_t seed) noexcept : state_(seed) {}

    void add(std::uint64_t word) noexcept { state_ = std::rotl((state_ ^ word) * 0x9fb21c651e98df25, 29); }
    void add(byte_span data) noexcept {
        std::size_t at = 0;
        for (; at + 8 <= data.size(); at += 8) {
            std::uint64_t word = 0;
            std::memcpy(&word, data.data() + at, 8);
            add(word);
        }
        std::uint64_t tail = data.size();
        for (; at < data.size(); ++at) tail = tail << 8 | data[at];
        add(tail);
    }
    [[nodiscard]] std::uint64_t state() const noexcept { return state_; }

private:
    std::uint64_t state_;
};

}  // namespace p2pdist::sim
