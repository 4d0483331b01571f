#include "client/ask.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <thread>

#include <unistd.h>

#include "client/show.hpp"
#include "p2pdist/base/result.hpp"
#include "p2pdist/driver/local_service.hpp"

namespace p2pdist::tools {
namespace {

/// Sends a request; with --json every line goes out as it came, otherwise `show` prints it. The last line's event is the exit code.
int ask(const ask_options& options, const json& request, const std::function<void(const json&)>& show, output_file* output = nullptr) {
    int code = done;
    bool finished = false;  // progress alone is no answer
    const auto outcome = local_call(options.data, request.dump(), [&](const std::string& line) {
        auto answer = json::parse(line);
        finished = answer.value("event", "") != "progress";
        if (output != nullptr && answer.value("event", "") == "complete") {
            const auto published = output->publish(answer.value("size", std::uint64_t{0}));
            if (!published) answer.update({{"event", "failed"}, {"code", published.error().error_code().message()}, {"error", published.error().message}});
        }
        if (options.json) std::cout << answer.dump() << std::endl;
        if (answer.value("event", "") == "failed") {
            const bool shut_out = answer.value("code", "") == make_error_code(errc::revoked).message();
            code = shut_out ? static_cast<int>(refused) : static_cast<int>(failed);
            if (!options.json) std::cerr << "p2pdist: " << answer.value("error", "failed") << '\n';
        } else if (!options.json) {
            show(answer);
        }
        return true;
    }, output);
    if (!outcome) return report(outcome.error());
    if (!finished) return report({errc::unreachable, "the client ended before it answered: see its log, start it again, and repeat the command"});
    return code;
}

/// Once, or with --watch every second until the program is interrupted.
int ask_again(const ask_options& options, const json& request, const std::function<void(const json&)>& show) {
    for (;;) {
        const int code = ask(options, request, [&](const json& answer) {
            if (options.watch && ::isatty(STDOUT_FILENO) != 0) std::cout << "\033[H\033[J";
            show(answer);
            std::cout.flush();
        });
        if (!options.watch || code != done) return code;
        std::this_thread::sleep_for(std::chrono::seconds(1));
    }
}

int get(const ask_options& options) {
    json request = {{"command", "get"}, {"content", options.content}};
    progress_line line;
    const auto show = [&](const json& answer) { line.show(answer); };
    if (options.output.empty()) return ask(options, request, show);
    auto output = output_file::create(options.output);
    if (!output) return report(output.error());
    request["descriptor"] = true;
    return ask(options, request, show, &*output);
}

int import(const ask_options& options) {
    json request = {{"command", "import"}, {"path", std::filesystem::absolute(options.file).string()}};
    if (!options.content.empty()) request["content"] = options.content;
    return ask(options, request, [](const json& answer) {
        std::cout << answer.value("content", "") << "  " << size_text(answer.value("size", std::uint64_t{0})) << "  " << answer.value("hash", "") << '\n';
    });
}

/// As the server's check: 1 where something is wrong, 0 where all is well or only needs to be known.
int check(const ask_options& options) {
    bool wrong = false;
    auto quiet = options;
    quiet.json = false;
    const int code = ask_again(quiet, {{"command", "status"}}, [&](const json& status) {
        const auto findings = check_findings(status);
        wrong = std::any_of(findings.begin(), findings.end(), [](const json& finding) { return finding.value("severity", "") == "error"; });
        if (options.json) std::cout << json{{"findings", findings}}.dump() << '\n';
        else show_check(findings);
    });
    return code == done && wrong ? static_cast<int>(failed) : code;
}

void show_verified(const json&) { std::cout << "all contents are as they should be\n"; }

void show_command_end(const json& answer) { std::cout << answer.value("content", "") << ": " << answer.value("event", "done") << '\n'; }

}  // namespace

void add_ask_commands(CLI::App& app, ask_options& options, std::function<int()>& action) {
    const auto add = [&](CLI::App& parent, const char* name, const char* help, std::function<int()> what) {
        auto* command = parent.add_subcommand(name, help);
        command->add_option("--data", options.data, "The running client's directory")->required();
        command->add_flag("--json", options.json, "Print JSON, one object a line");
        command->callback([&action, what = std::move(what)] { action = what; });
        return command;
    };
    const auto add_content = [&](CLI::App* command) { command->add_option("CONTENT-ID", options.content, "The content's id")->required(); };
    const auto add_view = [&](CLI::App& parent, const char* name, const char* help, const char* request, void (*show)(const json&)) {
        auto* command = add(parent, name, help, [&options, request, show] { return ask_again(options, {{"command", request}}, show); });
        command->add_flag("--watch", options.watch, "Show it again every second");
    };
    const auto add_content_command = [&](CLI::App& parent, const char* name, const char* help, const char* request, void (*show)(const json&)) {
        add_content(add(parent, name, help, [&options, request, show] {
            return ask(options, {{"command", request}, {"content", options.content}}, show);
        }));
    };

    auto* getting = add(app, "get", "Fetch a published content; resumes", [&] { return get(options); });
    add_content(getting);
    getting->add_option("--output", options.output, "Write it to this file, whole and verified");
    auto* importing = add(app, "import", "Put a file of this device into the store and share it", [&] { return import(options); });
    importing->add_option("FILE", options.file)->required()->check(CLI::ExistingFile);
    importing->add_option("--id", options.content, "Content id; default: its hash");

    add_view(app, "status", "Membership, office, store, transfers", "status", show_status);
    add_view(app, "transfers", "What is being fetched and served", "transfers", show_transfers);
    add_view(app, "peers", "Other nodes that this client knows", "peers", show_peers);
    add(app, "check", "What is wrong, and how to mend it", [&] { return check(options); })->add_flag("--watch", options.watch, "Show it again every second");
    add_content_command(app, "explain", "Who is asked for a content, and why", "explain", show_explanation);
    add_view(app, "pause", "Pause all downloads of this client", "pause", show_paused);
    add_view(app, "resume", "Let them go on", "resume", show_paused);

    auto* store = app.add_subcommand("store", "The contents on this device");
    store->require_subcommand(1);
    add_view(*store, "list", "What is in the store", "list", show_contents);
    add_content_command(*store, "pin", "Never evict it", "pin", show_command_end);
    add_content_command(*store, "unpin", "Let it be evicted", "unpin", show_command_end);
    add_content_command(*store, "remove", "Delete it from this device", "remove", show_command_end);
    add(*store, "verify", "Read and hash everything", [&] { return ask(options, {{"command", "verify"}}, show_verified); });
}

}  // namespace p2pdist::tools
