#include "local/local_request.hpp"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

namespace p2pdist {
namespace {

constexpr std::array<std::string_view, 13> known{"get",       "import", "pin",  "unpin",   "remove", "verify", "status",
                                                 "transfers", "peers",  "list", "explain", "pause",  "resume"};
constexpr std::array<std::string_view, 5> about_a_content{"get", "pin", "unpin", "remove", "explain"};

}  // namespace

result<local_request> parse_local_request(std::string_view line) {
    try {
        const auto request = nlohmann::json::parse(line);
        local_request out{request.value("command", ""), std::nullopt, request.value("descriptor", false), request.value("path", "")};
        if (std::ranges::find(known, out.command) == known.end())
            return {errc::invalid_argument, "there is no command '" + out.command + "'"};
        // It would be opened with the client's rights instead of the asker's.
        if (request.contains("output"))
            return {errc::invalid_argument, "`output` is no field: open the file, pass its descriptor along, and say \"descriptor\":true"};
        const bool needs_content = std::ranges::find(about_a_content, out.command) != about_a_content.end();
        if (!needs_content && !(out.command == "import" && request.contains("content"))) return out;
        auto id = content_id::parse(request.value("content", ""));
        if (!id) return id.error();
        out.content = std::move(*id);
        return out;
    } catch (const nlohmann::json::exception& problem) {
        return {errc::malformed, std::string("the request is not understood: ") + problem.what()};
    }
}

}  // namespace p2pdist
