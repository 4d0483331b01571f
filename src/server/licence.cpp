#include "licence.hpp"

#include <algorithm>

#include "p2pdist/base/limits.hpp"

namespace p2pdist {

result<void> check_licence(std::string_view key, std::uint32_t seats) {
    const auto is_word = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
    const bool visible = std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < '\x7f'; });
    if (!visible || std::none_of(key.begin(), key.end(), is_word) || key.size() > limits::licence_key_bytes_max) {
        return {errc::invalid_argument, "this is no licence key: it has 1 to " + std::to_string(limits::licence_key_bytes_max) +
                                            " letters, digits and signs, without spaces"};
    }
    if (seats == 0 || seats > limits::licence_seats_max) {
        return {errc::invalid_argument, "the number of licences has to be 1 to " + std::to_string(limits::licence_seats_max)};
    }
    return {};
}

licences_reply licence_report(const licence_record& licence, std::size_t clients) {
    const auto used = static_cast<std::uint32_t>(clients);
    return {licence.activated, licence.seats, used, used > licence.seats ? used - licence.seats : 0};
}

}  // namespace p2pdist
