#include "client/show.hpp"

#include <iostream>

#include <unistd.h>

namespace p2pdist::tools {
namespace {

std::string number_size(const json& object, const char* key) { return size_text(object.value(key, std::uint64_t{0})); }

int percent(const json& transfer) {
    const auto size = transfer.value("size", 0.0);
    return size <= 0 ? 100 : static_cast<int>(100 * transfer.value("verified", 0.0) / size);
}

/// "office 3.0 MiB, server 1.0 MiB"
std::string split_text(const json& sources) {
    std::string out;
    for (const auto& [name, bytes] : sources.items()) {
        if (bytes.get<std::uint64_t>() == 0) continue;
        out += (out.empty() ? "" : ", ") + name + " " + size_text(bytes.get<std::uint64_t>());
    }
    return out.empty() ? "nothing yet" : out;
}

std::string transfer_text(const json& transfer) {
    const auto rate = transfer.value("bytes_per_second", 0.0);
    const auto left = transfer.value("size", 0.0) - transfer.value("verified", 0.0);
    std::string out = std::to_string(percent(transfer)) + " %  " + rate_text(rate);
    if (rate > 0 && left > 0) out += "  " + duration_text(left / rate) + " left";
    out += "  " + split_text(transfer.value("sources", json::object()));
    const auto state = transfer.value("state", "");
    const auto reason = transfer.value("reason", "");
    if (state != "downloading" && !reason.starts_with(state)) out += "  " + state + (reason.empty() ? "" : ":");
    if (!reason.empty()) out += (state == "downloading" || reason.starts_with(state) ? "  " : " ") + reason;
    return out;
}

}  // namespace

void progress_line::show(const json& event) {
    const bool terminal = ::isatty(STDOUT_FILENO) != 0;
    if (event.value("event", "") == "complete") {
        if (terminal && !last_.empty()) std::cout << '\n';
        std::cout << event.value("content", "") << ": complete, " << number_size(event, "size") << " in " << duration_text(event.value("seconds", 0.0)) << " ("
                  << split_text(event.value("sources", json::object())) << ")\n";
        return;
    }
    const auto line = transfer_text(event);
    if (line == last_) return;
    if (terminal) std::cout << '\r' << line << "\033[K" << std::flush;
    else std::cout << line << std::endl;
    last_ = line;
}

void show_transfers(const json& answer) {
    for (const auto& transfer : answer.value("downloads", json::array())) {
        std::cout << transfer.value("content", "") << "  " << transfer_text(transfer) << '\n';
        for (const auto& peer : transfer.value("peers", json::array()))
            std::cout << "    from " << peer.value("address", "") << " (" << peer.value("kind", "") << ", " << peer.value("protocol", "") << ")  "
                      << number_size(peer, "verified") << "  " << rate_text(peer.value("bytes_per_second", 0.0))
                      << (peer.value("paused", false) ? "  paused for other traffic" : "") << '\n';
    }
    for (const auto& upload : answer.value("uploads", json::array()))
        std::cout << upload.value("content", "") << "  to " << upload.value("peer", "") << " (" << upload.value("protocol", "") << ")  " << number_size(upload, "sent")
                  << "  " << rate_text(upload.value("bytes_per_second", 0.0)) << (upload.value("paused", false) ? "  paused for other traffic" : "") << '\n';
    if (answer.value("downloads", json::array()).empty() && answer.value("uploads", json::array()).empty()) std::cout << "no transfer is under way\n";
}

void show_status(const json& answer) {
    const auto flag = [&](const char* key) { return answer.value(key, false); };
    std::cout << "id          " << answer.value("id", "") << '\n'
              << "membership  " << (flag("revoked") ? "revoked" : !flag("enrolled") ? "not enrolled" : !flag("registered") ? "enrolled, not registered" : !flag("activated") ? "registered, not activated" : "active")
              << (flag("paused") ? ", paused" : "") << '\n'
              << "server      " << answer.value("server", "") << (flag("server_reachable") ? "" : " (does not answer)") << '\n';
    if (const auto problem = answer.value("problem", ""); !problem.empty()) std::cout << "problem     " << problem << '\n';
    std::string path;
    for (const auto& office : answer.value("path", json::array())) path += (path.empty() ? "" : " < ") + office.get<std::string>();
    std::cout << "office      " << (answer.value("office", "").empty() ? "none" : path + " (" + answer.value("office_type", "") + ")") << '\n';
    const auto store = answer.value("store", json::object());
    std::cout << "store       " << store.value("contents", 0) << " contents, " << number_size(store, "used") << " used, " << number_size(store, "usable") << " usable\n";
    show_transfers(answer);
}

void show_peers(const json& answer) {
    std::vector<std::vector<std::string>> rows{{"ADDRESS", "OFFICE", "RELATION", "STATE", "ACTING", "ID"}};
    for (const auto& peer : answer.value("peers", json::array()))
        rows.push_back({peer.value("address", ""), peer.value("office", ""), peer.value("relation", ""), peer.value("state", ""),
                        peer.value("acting", false) ? "yes" : "", peer.value("id", "")});
    print_table(rows);
}

void show_explanation(const json& answer) {
    std::cout << answer.value("content", "") << "  " << number_size(answer, "size") << "  " << answer.value("hash", "") << '\n'
              << "acting rendezvous point: " << (answer.value("acting", "").empty() ? "none known" : answer.value("acting", ""))
              << (answer.value("acting_is_self", false) ? " (this device)" : "") << '\n';
    std::vector<std::vector<std::string>> rows{{"OFFICE", "RANK", "ADDRESS", "HOLDS", "ACTING", "REACHABLE", "BEHIND THE ONE BEFORE BY"}};
    for (const auto& line : answer.value("ranking", json::array()))
        rows.push_back({line.value("office", ""), std::to_string(line.value("position", 0)), line.value("address", ""), line.value("state", ""),
                        line.value("acting", false) ? "yes" : "", line.value("reachable", true) ? "yes" : "no", line.value("decided_by", "")});
    print_table(rows);
    for (const auto& note : answer.value("notes", json::array())) std::cout << "- " << note.get<std::string>() << '\n';
}

void show_contents(const json& answer) {
    std::vector<std::vector<std::string>> rows{{"CONTENT", "SIZE", "VERIFIED", "", "HASH"}};
    for (const auto& entry : answer.value("contents", json::array())) {
        std::string flags = entry.value("whole", false) ? "whole" : "partial";
        if (entry.value("pinned", false)) flags += ", pinned";
        if (entry.value("in_use", false)) flags += ", in use";
        rows.push_back({entry.value("content", ""), number_size(entry, "size"), number_size(entry, "verified"), flags, entry.value("hash", "")});
    }
    print_table(rows);
}

void show_paused(const json& answer) { std::cout << (answer.value("paused", false) ? "paused\n" : "not paused\n"); }

json check_findings(const json& status) {
    json findings = json::array();
    const auto is = [&](const char* key) { return status.value(key, false); };
    const auto finding = [&](bool wrong, const char* severity, const char* subject, const std::string& text) {
        if (wrong) findings.push_back({{"severity", severity}, {"subject", subject}, {"text", text}});
    };
    const auto problem = status.value("problem", "");
    const auto or_problem = [&](const char* otherwise) { return problem.empty() ? otherwise : problem; };
    finding(!is("enrolled"), "error", "enrolment",
            or_problem("not enrolled: check --server, that the enrolment key is the server's present one, and that UDP 34323 of the server is open"));
    finding(is("revoked"), "error", "membership", problem);
    finding(is("enrolled") && !is("revoked") && !is("server_reachable"), "error", "server",
            or_problem("the server does not answer: check that it runs and that UDP 34323 is open; what is under way goes on"));
    finding(is("registered") && !is("activated"), "warning", "licence", "distribution is not activated: run `p2pdist-admin activate`");
    finding(is("registered") && status.value("office", "").empty(), "warning", "office", "this device's address is in no office: add its subnet to the topology");
    finding(is("paused"), "warning", "downloads", "paused by its user: `p2pdist-client resume` lets it go on");
    return findings;
}

void show_check(const json& findings) {
    for (const auto& finding : findings)
        std::cout << finding.value("severity", "") << ": " << finding.value("subject", "") << ": " << finding.value("text", "") << '\n';
    if (findings.empty()) std::cout << "all is well\n";
}

}  // namespace p2pdist::tools
