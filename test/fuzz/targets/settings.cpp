// What people write into files: TOML settings, key files, sizes and durations on the command line, settings of the ranking.

#include <sstream>

#include "common/program.hpp"
#include "common/toml_config.hpp"
#include "node/server_keys.hpp"
#include "p2pdist/ranking/step_settings.hpp"
#include "support/fuzz_target.hpp"

using namespace p2pdist;

namespace {

void read_toml(const std::string& text) {
    CLI::App program("test");
    std::string data, servers;
    int port = 0;
    bool json = false;
    auto* run = program.add_subcommand("run", "");
    run->add_option("--data", data);
    run->add_option("--server", servers);
    run->add_option("--port", port);
    run->add_flag("--json", json);
    const tools::toml_config config(program);
    std::istringstream in(text);
    try {
        for (const auto& item : config.from_config(in)) fuzz::check(!item.name.empty() && item.inputs.size() == 1,
                                                                    "a setting without a value");
    } catch (const CLI::Error&) {
        // what it says goes to the user
    }
}

template <class Read>
void read_option(Read read) {
    try {
        read();
    } catch (const CLI::Error&) {
    }
}

}  // namespace

P2PDIST_FUZZ_TARGET(settings) {
    const auto which = input.below(5);
    const auto text = input.rest_text();
    switch (which) {
        case 0: return read_toml(text);
        case 1: {
            const auto key = key_from_text(text);
            if (!key) return;
            const auto again = key_from_text(key_to_text(*key));
            return fuzz::check(again && *again == *key, "a key is another one when it is written and read again");
        }
        case 2:
            read_option([&] { fuzz::check(tools::parse_size(text, "x") < std::uint64_t{1} << 63, "a size is out of range"); });
            read_option([&] { fuzz::check(tools::parse_duration(text, "x") >= duration::zero(), "a time before now"); });
            return;
        case 3: read_option([&] { fuzz::check(!tools::parse_addresses(text, "x").empty(), "no address"); }); return;
        default: {
            const auto steps = steps_from_settings([&](std::string_view) { return &text; });
            fuzz::check(steps.free_storage_bytes > 0 && steps.usable_storage_bytes > 0 && steps.uptime > duration::zero(),
                        "a step that divides by nothing");
            return;
        }
    }
}
