#pragma once
// Writes catalogue changes as SQL statements, inside the caller's transaction.

#include "p2pdist/server/catalogue.hpp"
#include "soci_library.hpp"

namespace p2pdist {

/// Throws soci::soci_error.
void write_change(soci::session& sql, const catalogue_change& change);

}  // namespace p2pdist
