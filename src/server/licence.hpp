#pragma once
// Licences (ACT-1, ACT-3): what a key may look like, and how many are bought, used and too many.

#include <string_view>

#include "p2pdist/server/catalogue.hpp"

namespace p2pdist {

/// A licence key is 1 to limits::licence_key_bytes_max visible ASCII characters without spaces, a letter or digit among them.
/// errc::invalid_argument says what is wrong; the key itself is not repeated.
[[nodiscard]] result<void> check_licence(std::string_view key, std::uint32_t seats);

/// One installed client uses one licence (CLI-2). The surplus is counted, never refused (ACT-3).
[[nodiscard]] licences_reply licence_report(const licence_record& licence, std::size_t clients);

}  // namespace p2pdist
