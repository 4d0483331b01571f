#include "server/check.hpp"

#include <iostream>

#include "common/program.hpp"
#include "p2pdist/driver/server_check.hpp"

namespace p2pdist::tools {

int check_server(const server_options& options, bool as_json) {
    const auto findings = check_server_installation(options);
    bool wrong = false;
    json list = json::array();
    constexpr const char* words[] = {"good", "warning", "error"};
    for (const auto& finding : findings) {
        wrong = wrong || finding.severity == 2;
        const auto* severity = words[std::min<int>(finding.severity, 2)];
        if (as_json) list.push_back({{"severity", severity}, {"subject", finding.subject}, {"text", finding.text}});
        else std::cout << severity << ": " << finding.subject << ": " << finding.text << '\n';
    }
    if (as_json) std::cout << json{{"findings", list}}.dump() << '\n';
    return wrong ? failed : done;
}

}  // namespace p2pdist::tools
