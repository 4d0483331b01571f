#pragma once
// Who receives first: an order of devices that every node computes alike (RANK-1 to RANK-7).

#include <compare>
#include <string>
#include <vector>

#include "p2pdist/base/device_profile.hpp"
#include "p2pdist/base/ids.hpp"
#include "p2pdist/ranking/criterion.hpp"

namespace p2pdist {

/// A device with the profile it is ranked by: a snapshot, frozen for a content until that is done or failed (RANK-7).
struct candidate {
    client_id id;
    device_profile profile;

    friend bool operator==(const candidate&, const candidate&) = default;
};

/// Why one of two devices comes first.
struct rank_explanation {
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
class ranking {
public:
    /// Any criteria in any order, none included: an embedder replaces, reorders or adds. Each has a name and a compare function.
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
