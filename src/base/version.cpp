#include "p2pdist/base/version.hpp"

namespace p2pdist {

std::string_view software_version() noexcept { return P2PDIST_VERSION; }

}  // namespace p2pdist
