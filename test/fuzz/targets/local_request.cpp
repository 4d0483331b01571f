// Requests of the local socket, and that what a request says goes nowhere but into its own fields.

#include "local/local_request.hpp"
#include "support/fuzz_target.hpp"

using namespace p2pdist;

P2PDIST_FUZZ_TARGET(local_request) {
    const auto line = input.rest_text();
    const auto request = parse_local_request(line);
    if (!request) return fuzz::check(!request.error().message.empty(), "a request is refused without a reason");
    const bool about_one = request->command == "get" || request->command == "pin" || request->command == "unpin" ||
                           request->command == "remove" || request->command == "explain";
    fuzz::check(!about_one || request->content, "a command without its content");
    fuzz::check(request->path.size() <= line.size(), "a request is longer than its line");
}
