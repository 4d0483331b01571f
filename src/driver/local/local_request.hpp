#pragma once
// A request of the local socket, read from its line (docs/local-socket.md).

#include <optional>
#include <string>
#include <string_view>

#include "p2pdist/base/ids.hpp"
#include "p2pdist/base/result.hpp"

namespace p2pdist {

struct local_request {
    std::string command;
    std::optional<content_id> content;   ///< there for commands that need one
    bool descriptor = false;             ///< of get: the output file's came along
    std::string path;                    ///< of import
};

/// The error's sentence is for the asker.
[[nodiscard]] result<local_request> parse_local_request(std::string_view line);

}  // namespace p2pdist
