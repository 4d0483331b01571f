#pragma once
// The tables, and the way from every older version of them to the newest (DB-3).

#include "dialect.hpp"
#include "soci_library.hpp"

namespace p2pdist {

[[nodiscard]] int newest_schema() noexcept;

/// The version that the database has; 0: it is empty. Changes nothing. errc::database_failed for a database of something else,
/// errc::version_unsupported for a newer version than newest_schema().
[[nodiscard]] result<int> accepted_schema(soci::session& sql);

/// Brings the tables from `version` to newest_schema(), all or nothing.
void migrate(soci::session& sql, const dialect& words, int version);

}  // namespace p2pdist
