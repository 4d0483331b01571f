#pragma once
// The file of an embedded database.

#include <string>

#include "p2pdist/base/result.hpp"

namespace p2pdist {

/// Makes an empty file that nobody but its owner may read or write; one that is there stays as it is. errc::database_failed.
[[nodiscard]] result<void> make_database_file(const std::string& path);

}  // namespace p2pdist
