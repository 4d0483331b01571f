#include "p2pdist/base/random.hpp"

#include <bit>

namespace p2pdist {

random_source::random_source(std::uint64_t seed) noexcept {
    for (auto& word : state_) {
        seed += 0x9e3779b97f4a7c15;
        auto z = seed;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        word = z ^ (z >> 31);
    }
}

std::uint64_t random_source::operator()() noexcept {
    const auto out = std::rotl(state_[1] * 5, 7) * 9;
    const auto shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return out;
}

std::uint64_t random_source::below(std::uint64_t bound) noexcept {
    if (bound == 0) return 0;
    // Lemire's multiplication, without the rejection step: the bias of at most 2^-64 * bound does not matter for jitter and choice.
    __extension__ using wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<wide>((*this)()) * bound) >> 64);
}

double random_source::unit() noexcept { return static_cast<double>((*this)() >> 11) * 0x1.0p-53; }

duration random_source::jittered(duration value, double spread) noexcept {
    const auto factor = 1.0 + spread * (2.0 * unit() - 1.0);
    return duration{static_cast<duration::rep>(static_cast<double>(value.count()) * factor)};
}

}  // namespace p2pdist
