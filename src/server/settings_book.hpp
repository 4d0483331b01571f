#pragma once
// The organisation's settings: which there are, what they may be, and which of them clients are told.

#include <map>
#include <string>
#include <string_view>

#include "p2pdist/base/result.hpp"
#include "p2pdist/base/time.hpp"
#include "p2pdist/ranking/ranking.hpp"

namespace p2pdist {

/// How long members of the key epoch before the one in force are still accepted (SEC-2).
inline constexpr std::string_view key_epoch_grace_setting = "key_epoch_grace";
inline constexpr duration key_epoch_grace_default = std::chrono::hours(24);
inline constexpr duration key_epoch_grace_min = std::chrono::hours(1);   // longer than limits::renewal_spread
inline constexpr duration key_epoch_grace_max = std::chrono::hours(90 * 24);

/// Known settings:
///   cdn                          an http or https URL without user name and password; told to clients (SRC-2)
///   fallback_bytes_per_second    bytes a second, or a number with KiB, MiB, GiB or TiB; 0: unlimited. How fast
///                                a client outside the central office reads a fallback source (SRC-5)
///   key_epoch_grace              seconds, or a number with s, m, h or d; one hour to 90 days
///   ranking.free_storage_step    bytes, or a number with KiB, MiB, GiB or TiB; at least 1 (RANK-7)
///   ranking.usable_storage_step  the same
///   ranking.uptime_step          seconds, or a number with s, m, h or d; at least one second
class settings_book {
public:
    /// The value as it is kept (an empty one means: back to the default). errc::not_found for an unknown key, with those that exist;
    /// errc::invalid_argument says what the value has to be.
    [[nodiscard]] static result<std::string> checked(std::string_view key, std::string_view value);

    /// A checked value.
    void put(const std::string& key, const std::string& value);

    [[nodiscard]] const std::map<std::string, std::string>& all() const noexcept { return values_; }
    /// What clients may know: of the known settings all today, but never what a newer version may have stored.
    [[nodiscard]] std::vector<std::pair<std::string, std::string>> for_clients() const;
    [[nodiscard]] ranking_steps steps() const;
    [[nodiscard]] duration key_epoch_grace() const;

private:
    std::map<std::string, std::string> values_;
};

}  // namespace p2pdist
