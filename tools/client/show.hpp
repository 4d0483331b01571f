#pragma once
// The answers of a running client, for people.

#include "common/program.hpp"

namespace p2pdist::tools {

/// One line that is written over and over on a terminal, a line a change elsewhere.
class progress_line {
public:
    void show(const json& event);

private:
    std::string last_;
};

void show_status(const json& answer);
void show_transfers(const json& answer);
void show_peers(const json& answer);
void show_explanation(const json& answer);
void show_contents(const json& answer);
void show_paused(const json& answer);
/// What is wrong by a client's own status: severity, subject, and how to mend it.
[[nodiscard]] json check_findings(const json& status);
void show_check(const json& findings);

}  // namespace p2pdist::tools
