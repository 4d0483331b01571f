#pragma once
// Who receives first: an order of devices that every node computes alike (RANK-1 to RANK-7).

#include <chrono>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "p2pdist/base/device_profile.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/base/ids.hpp"
#include "p2pdist/base/time.hpp"

namespace p2pdist {

/// One question that the ranking asks of two devices (RANK-1 to RANK-6). `compare` gives less where the first comes before the second, and
/// is a strict weak ordering that depends on its arguments only (every node has to compute the same). `describe` gives the value that it
/// compares, for people; may be empty.
struct criterion {
    std::string name;
    std::function<std::weak_ordering(const device_profile&, const device_profile&)> compare;
    std::function<std::string(const device_profile&)> describe;
};

/// The steps of the continuous criteria: they compare floor(value / step), so that small and passing differences decide nothing (RANK-7).
/// Part of the organisation's configuration: every node of an organisation has to use the same. A step of 0 counts as 1.
struct ranking_steps {
    std::uint64_t free_storage_bytes = std::uint64_t{1} << 30;  ///< 1 GiB
    duration uptime = std::chrono::hours(1);
    std::uint64_t usable_storage_bytes = std::uint64_t{1} << 30;  ///< 1 GiB

    friend bool operator==(const ranking_steps&, const ranking_steps&) = default;
};

[[nodiscard]] P2PDIST_API criterion most_free_storage(std::uint64_t step_bytes);    ///< RANK-1 "free_storage"
[[nodiscard]] P2PDIST_API criterion preferred_first();                              ///< RANK-2 "preferred"
[[nodiscard]] P2PDIST_API criterion desktop_first();                                ///< RANK-3 "device_model"
[[nodiscard]] P2PDIST_API criterion server_os_first();                              ///< RANK-4 "os_kind"
[[nodiscard]] P2PDIST_API criterion longest_uptime(duration step);                  ///< RANK-5 "uptime"; a negative uptime counts as 0
[[nodiscard]] P2PDIST_API criterion most_usable_storage(std::uint64_t step_bytes);  ///< RANK-6 "usable_storage"

/// The six, in the order of the requirements.
[[nodiscard]] P2PDIST_API std::vector<criterion> standard_criteria(const ranking_steps& steps = {});

/// A device with the profile it is ranked by: a snapshot, frozen for a content until that is done or failed (RANK-7).
struct candidate {
    client_id id;
    device_profile profile;

    friend bool operator==(const candidate&, const candidate&) = default;
};

/// Why one of two devices comes first.
struct P2PDIST_API rank_explanation {
    client_id winner;
    client_id loser;
    std::string criterion;     ///< the name of the first criterion that tells them apart; "client_id" where none does
    std::string winner_value;  ///< what that criterion compared, e.g. "120 GiB"
    std::string loser_value;

    /// "4f… before 9a…: free_storage 120 GiB, 80 GiB".
    [[nodiscard]] std::string to_string() const;
    friend bool operator==(const rank_explanation&, const rank_explanation&) = default;
};

/// Criteria in their order; the first difference decides, and after all of them the smaller client id.
/// Immutable; distinct objects may be used from any thread, and a shared one too if the criteria's functions allow it (ours do).
class P2PDIST_API ranking {
public:
    /// Any criteria in any order, none included: an embedder replaces, reorders or adds. Each has a name and a compare function,
    /// otherwise std::system_error, errc::invalid_argument.
    explicit ranking(std::vector<criterion> criteria);
    /// The six criteria of the requirements.
    [[nodiscard]] static ranking standard(const ranking_steps& steps = {});

    /// less: `left` comes first. equal: the same device by id, with profiles that no criterion tells apart.
    [[nodiscard]] std::weak_ordering compare(const candidate& left, const candidate& right) const;
    /// First in rank to the front. The same set of devices gives the same order, however it came.
    void sort(std::vector<candidate>& candidates) const;
    /// Agrees with compare(). For candidates that are equal, `left` is named the winner and the criterion is "client_id".
    [[nodiscard]] rank_explanation explain(const candidate& left, const candidate& right) const;

    [[nodiscard]] const std::vector<criterion>& criteria() const noexcept { return criteria_; }

private:
    std::vector<criterion> criteria_;
};

}  // namespace p2pdist
