#include "crypto/system_random.hpp"

#include <algorithm>

#include "windows/system.hpp"

#include <bcrypt.h>

namespace p2pdist {

bool fill_from_system(mutable_byte_span out) noexcept {
    constexpr std::size_t most_at_once = std::size_t{1} << 20;  // the size is 32 bits wide
    while (!out.empty()) {
        const auto part = out.first(std::min(out.size(), most_at_once));
        if (::BCryptGenRandom(nullptr, part.data(), static_cast<ULONG>(part.size()), BCRYPT_USE_SYSTEM_PREFERRED_RNG) < 0) return false;
        out = out.subspan(part.size());
    }
    return true;
}

}  // namespace p2pdist
