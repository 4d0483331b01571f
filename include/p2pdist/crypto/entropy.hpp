#pragma once
// Unpredictable bytes for keys, nonces and tokens. The operating system's in the driver, a seeded one in the simulation.

#include <array>
#include <cstdint>

#include "p2pdist/base/bytes.hpp"

namespace p2pdist {

class entropy {
public:
    virtual ~entropy() = default;
    /// Fills all of `out`. Never fails: a driver that gets none from its system ends the program.
    virtual void fill(mutable_byte_span out) = 0;

    template <std::size_t Size>
    [[nodiscard]] std::array<std::uint8_t, Size> array() {
        std::array<std::uint8_t, Size> out{};
        fill(out);
        return out;
    }
    [[nodiscard]] std::uint64_t u64() {
        std::uint64_t out = 0;
        for (const auto byte : array<8>()) out = out << 8 | byte;
        return out;
    }
};

}  // namespace p2pdist
