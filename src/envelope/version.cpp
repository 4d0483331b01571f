#include "p2pdist/envelope/version.hpp"

#include <string>

namespace p2pdist {
namespace {

std::string text_of(const version_range& range) {
    const auto low = std::to_string(range.min);
    return range.min == range.max ? "version " + low : "versions " + low + " to " + std::to_string(range.max);
}

}  // namespace

error version_error(std::string_view this_name, const version_range& own, std::string_view other_name, const version_range& theirs) {
    const auto side = side_to_update(own, theirs) == update_side::this_side ? this_name : other_name;
    std::string sentence(this_name);
    sentence += " speaks protocol " + text_of(own) + ", ";
    sentence += other_name;
    sentence += " speaks " + text_of(theirs) + ": update ";
    sentence += side;
    sentence += " (in a roll-out the server comes first)";
    return {errc::version_unsupported, std::move(sentence)};
}

}  // namespace p2pdist
