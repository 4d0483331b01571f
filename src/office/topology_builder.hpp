#pragma once
// Checks offices and makes a topology of them. Knows the spreadsheet rows that everything came from, so that it can name them.

#include <memory>
#include <set>

#include "topology_state.hpp"

namespace p2pdist {

/// An office and the rows that its parts stand in.
struct office_source {
    office value;
    int row = 0;  ///< the first
    int type_row = 0;
    int parent_row = 0;
    std::vector<int> area_rows;       ///< one for each of value.areas
    std::vector<int> preferred_rows;  ///< one for each of value.preferred
    bool areas_incomplete = false;    ///< an area was refused already: don't report what follows from that
    bool parent_unclear = false;      ///< the same for its parent
};

class topology_builder {
public:
    /// `refusals` are what the reader found already; then there is no topology, but all else that is wrong is added.
    explicit topology_builder(std::vector<office_source> sources, std::vector<refusal> refusals = {});

    [[nodiscard]] checked_topology build(const std::optional<ip_address>& server = std::nullopt) &&;

    /// The rows that to_spreadsheet() gives to offices.
    [[nodiscard]] static std::vector<office_source> with_exported_rows(std::vector<office> offices);

private:
    void refuse(int row, std::string column, std::string reason) { refusals_.push_back({row, std::move(column), std::move(reason)}); }
    [[nodiscard]] std::string naming(office_index index) const;  // "office 'Boston' (row 3)"

    void check_size();
    void check_texts();
    void index_names();
    void link_parents();
    void check_central();
    void check_cycles();
    void order_by_depth();
    void check_areas();
    void check_preferred();
    void check_server(const ip_address& server);

    std::vector<office_source> sources_;
    std::vector<refusal> refusals_;
    std::shared_ptr<topology::state> state_ = std::make_shared<topology::state>();
    bool areas_consistent_ = true;
    bool has_central_ = false;
};

}  // namespace p2pdist
