#pragma once
// Offices, and their checked hierarchy: who belongs where, and who is above whom (OFF-1 to OFF-4).

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "p2pdist/base/address.hpp"
#include "p2pdist/base/export.hpp"

namespace p2pdist {

/// How an office's clients reach each other (OFF-3). Text forms: "Default", "VPN", "Wi-Fi".
enum class office_type : std::uint8_t {
    standard,  ///< a wired LAN: clients share content and send broadcast discovery
    vpn,       ///< clients do not share; no rendezvous point, no children; broadcast discovery is sent
    wifi,      ///< clients share; no broadcast discovery
};

/// "Default", "VPN" or "Wi-Fi".
[[nodiscard]] P2PDIST_API std::string_view to_string(office_type type) noexcept;
/// Regardless of case; "WiFi" is "Wi-Fi". Nothing for any other text.
[[nodiscard]] P2PDIST_API std::optional<office_type> parse_office_type(std::string_view text) noexcept;

/// A subnet or an address range, kept as it was given: a range that happens to be a subnet stays a range.
using office_area = std::variant<subnet, address_range>;

/// The addresses of an area, first to last.
[[nodiscard]] P2PDIST_API address_range range_of(const office_area& area) noexcept;
/// "10.1.0.0/24" or "first-last".
[[nodiscard]] P2PDIST_API std::string to_string(const office_area& area);

/// An office as an organisation describes it: devices joined by a LAN, at one place of the hierarchy (OFF-1). A value without promises;
/// `topology` is the checked whole.
struct office {
    /// Unique, case-sensitive; 1 to limits::office_name_bytes_max bytes of UTF-8, no control characters, no blanks at its ends.
    std::string name;
    office_type type = office_type::standard;
    std::string parent;                 ///< the parent's name; empty: this is the central office
    std::vector<office_area> areas;     ///< one or more
    std::vector<ip_address> preferred;  ///< configured rendezvous points (RANK-2), addresses of this office
    std::string description;            ///< up to limits::office_description_bytes_max bytes of UTF-8, no blanks at its ends

    friend bool operator==(const office&, const office&) = default;
};

/// Why a topology is refused, and where: the row as a spreadsheet program numbers it (the header is row 1) and the column's name
/// (empty where it is not about one column).
struct P2PDIST_API refusal {
    int row = 0;
    std::string column;
    std::string reason;

    /// "row 7, column Parent: there is no office 'Bostn'".
    [[nodiscard]] std::string to_string() const;
    friend bool operator==(const refusal&, const refusal&) = default;
};

/// An office of one topology, in the order of its offices. Means nothing in another topology.
struct office_index {
    std::uint32_t value = 0;
    friend auto operator<=>(const office_index&, const office_index&) = default;
};

/// Where an address belongs.
struct placement {
    std::optional<office_index> office;  ///< nothing: the address is in no office, and is an office of its own (OFF-1)
    std::optional<office_index> parent;  ///< the office that content comes from; nothing for the central office only

    friend bool operator==(const placement&, const placement&) = default;
};

class checked_topology;

/// A valid hierarchy: one central office, every other one below it, no area in two offices unless one is nested in the other.
/// Immutable, and copied by reference: a copy is cheap, and any thread may use one. Every member that takes an office_index wants
/// one of this topology; another is a bug.
class P2PDIST_API topology {
public:
    /// Checks everything and reports all that is wrong, with the rows that to_spreadsheet() would give to these offices.
    [[nodiscard]] static checked_topology make(std::vector<office> offices);

    /// In the order in which they were given.
    [[nodiscard]] const std::vector<office>& offices() const noexcept;
    /// How many offices.
    [[nodiscard]] std::size_t size() const noexcept { return offices().size(); }
    /// The office at that place.
    [[nodiscard]] const office& operator[](office_index index) const noexcept;

    /// The office of that name, exactly as written.
    [[nodiscard]] std::optional<office_index> find(std::string_view name) const noexcept;
    /// The office whose subnet or range most specifically contains the address; nothing where none does. O(log areas).
    [[nodiscard]] std::optional<office_index> office_of(const ip_address& address) const noexcept;
    /// As office_of, with the parent. An address in no office is an office of its own below the central one.
    [[nodiscard]] placement place(const ip_address& address) const noexcept;
    /// Whether two devices are of one office. An address in no office shares one with nobody but itself.
    [[nodiscard]] bool same_office(const ip_address& left, const ip_address& right) const noexcept;

    /// The one office without a parent.
    [[nodiscard]] office_index central() const noexcept;
    /// Nothing for the central office.
    [[nodiscard]] std::optional<office_index> parent(office_index index) const noexcept;
    /// In the order of offices().
    [[nodiscard]] const std::vector<office_index>& children(office_index index) const noexcept;
    /// The office itself, its parent, and so on up to the central office.
    [[nodiscard]] std::vector<office_index> path_to_central(office_index index) const;
    /// Whether `upper` is `lower` or lies on its path to the central office.
    [[nodiscard]] bool is_ancestor_or_self(office_index upper, office_index lower) const noexcept;
    /// 0 for the central office, 1 for its children, and so on.
    [[nodiscard]] int depth(office_index index) const noexcept;

    /// Whether its clients give content to each other and to child offices (not VPN; OFF-3).
    [[nodiscard]] bool shares(office_index index) const noexcept;
    /// Whether its clients send broadcast discovery (not Wi-Fi; OFF-3).
    [[nodiscard]] bool broadcasts(office_index index) const noexcept;
    /// Whether one of its clients is the head that receives first (not VPN; OFF-3, RVP-1).
    [[nodiscard]] bool has_rendezvous_point(office_index index) const noexcept { return shares(index); }
    /// Whether the address is configured as a rendezvous point (RANK-2).
    [[nodiscard]] bool is_preferred(const ip_address& address) const noexcept;

    /// What a client of the office needs: its ancestors, itself and everything below it, and whatever other offices are nested in the
    /// addresses of itself or of an office below it (with their ancestors), so that office_of() in the view is exact for these: it
    /// gives one of them for the same addresses as the whole does. Addresses of offices outside the view can fall to an ancestor whose
    /// area encloses them. Offices keep their order.
    [[nodiscard]] topology view_for(office_index index) const;

    /// Equal offices in the same order.
    friend bool operator==(const topology& left, const topology& right) noexcept { return left.offices() == right.offices(); }

private:
    struct P2PDIST_LOCAL state;
    explicit topology(std::shared_ptr<const state> shared) noexcept : state_(std::move(shared)) {}
    friend class topology_builder;

    std::shared_ptr<const state> state_;  // never null
};

/// A topology, or every reason why there is none. Immutable: any thread.
class [[nodiscard]] P2PDIST_API checked_topology {
public:
    /// The topology holds.
    checked_topology(topology valid) : topology_(std::move(valid)) {}
    /// `refusals` is not empty. They are put in the order of rows.
    checked_topology(std::vector<refusal> refusals);

    /// Whether there is a topology.
    [[nodiscard]] bool has_value() const noexcept { return topology_.has_value(); }
    /// As has_value().
    [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }
    /// Asking where there is none is a bug.
    [[nodiscard]] const topology& operator*() const noexcept;
    /// As operator*().
    [[nodiscard]] const topology* operator->() const noexcept { return &**this; }
    /// Every reason why there is none; empty where there is one.
    [[nodiscard]] const std::vector<refusal>& refusals() const noexcept { return refusals_; }

private:
    std::optional<topology> topology_;
    std::vector<refusal> refusals_;
};

}  // namespace p2pdist
