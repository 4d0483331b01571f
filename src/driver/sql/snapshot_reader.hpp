#pragma once
// Reads the whole catalogue.

#include <stdexcept>

#include "p2pdist/server/catalogue.hpp"
#include "soci_library.hpp"

namespace p2pdist {

/// A row that no version of this program has written.
struct senseless_row : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Throws soci::soci_error or senseless_row.
[[nodiscard]] catalogue_snapshot read_snapshot(soci::session& sql);

}  // namespace p2pdist
