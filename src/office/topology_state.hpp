#pragma once
// What a topology's copies share. Made by topology_builder, never changed afterwards.

#include <map>

#include "area_index.hpp"
#include "p2pdist/office/topology.hpp"

namespace p2pdist {

struct topology::state {
    std::vector<office> offices;
    std::map<std::string, office_index, std::less<>> by_name;
    std::vector<std::optional<office_index>> parents;
    std::vector<std::vector<office_index>> children;
    std::vector<int> depths;
    office_index central;
    detail::area_index areas;
    std::vector<ip_address> preferred;  // sorted
};

}  // namespace p2pdist
