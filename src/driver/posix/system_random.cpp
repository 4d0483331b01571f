#include "crypto/system_random.hpp"

#include <unistd.h>

#include <algorithm>

namespace p2pdist {

bool fill_from_system(mutable_byte_span out) noexcept {
    constexpr std::size_t most_at_once = 256;  // getentropy gives no more
    while (!out.empty()) {
        const auto part = out.first(std::min(out.size(), most_at_once));
        if (::getentropy(part.data(), part.size()) != 0) return false;
        out = out.subspan(part.size());
    }
    return true;
}

}  // namespace p2pdist
