#pragma once
// Rules for content_info (base/content_info.hpp) that come from the content format.

#include "p2pdist/base/content_info.hpp"
#include "p2pdist/base/export.hpp"
#include "p2pdist/base/result.hpp"

namespace p2pdist {

/// errc::invalid_argument where the id is empty or the size exceeds limits::content_bytes_max. For values from outside.
[[nodiscard]] P2PDIST_INTERNAL result<void> check(const content_info& content);

/// The id of a content that is published or imported without one: the hash's 64 hexadecimal digits.
[[nodiscard]] P2PDIST_INTERNAL content_id default_content_id(const content_hash& hash);

}  // namespace p2pdist
