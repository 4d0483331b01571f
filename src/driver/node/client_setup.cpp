#include "node/client_setup.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "node/or_fail.hpp"
#include "node/program_calls.hpp"
#include "node/secret_file.hpp"
#include "p2pdist/driver/device.hpp"
#include "p2pdist/driver/server.hpp"

namespace p2pdist {
namespace {

/// The device's key pair: made once, then kept, since the client's id follows from it.
secret_key load_identity(const std::filesystem::path& file, entropy& random) {
    auto kept = read_secret_file(file);
    secret_key key{};
    if (kept && kept->size() == key.size()) {
        std::copy(kept->begin(), kept->end(), key.begin());
        return key;
    }
    if (kept) fail({errc::malformed, file.string() + " is damaged: restore it, or remove it to let this device enrol as a new one"});
    if (kept.error().code != errc::not_found) fail(kept.error());
    key = random.array<32>();
    if (const auto written = write_secret_file(file, key); !written) fail(written.error());
    return key;
}

std::vector<ip_address> parse_servers(std::string_view text) {
    std::vector<ip_address> out;
    while (!text.empty()) {
        const auto comma = text.find(',');
        auto word = text.substr(0, comma);
        while (word.starts_with(' ')) word.remove_prefix(1);
        while (word.ends_with(' ')) word.remove_suffix(1);
        out.push_back(value_or_fail(ip_address::parse(word)));
        text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    }
    return out;
}

void find_addresses(client_options& options) {
    auto& core = options.core;
    if (!options.server.empty()) core.servers = parse_servers(options.server);
    if (core.servers.empty()) fail({errc::invalid_argument, "no server is given: set client_options::server to the address of the organisation's server"});
    if (!core.address.is_unspecified()) return;
    const auto own = value_or_fail(find_own_address(std::nullopt, core.servers.front()));
    core.address = own.address;
    core.prefix_bits = own.prefix_bits;
    if (!core.broadcast) core.broadcast = own.broadcast;
}

void load_credentials(client_options& options) {
    auto& core = options.core;
    if (auto kept = read_secret_file(credentials_file(options)); kept) {
        core.saved_credentials = std::move(*kept);
    } else if (kept.error().code != errc::not_found) {
        fail(kept.error());
    }
    if (!options.enrolment_key_file.empty()) {
        const auto key = read_key_file(options.enrolment_key_file);
        if (!key) fail({key.error().code, "the enrolment key file (client_options::enrolment_key_file): " + key.error().message});
        core.enrolment = *key;
        if (const auto exposed = secret_file_exposure(options.enrolment_key_file); !exposed.empty())
            core.log(log_level::warning, "event=key_exposed reason=\"" + exposed + '"');
    }
    if (!core.saved_credentials && core.enrolment == secret_key{}) {
        fail({errc::invalid_argument, "this device is not enrolled yet ('" + options.data.string() +
                                          "' holds no credentials): set client_options::enrolment_key_file to the organisation's enrolment key"});
    }
}

/// A flow has a controller, whatever the program's factory does.
void guard(congestion_controller_factory& factory, std::string_view name, congestion_controller_factory standard, const log_sink& log) {
    const std::string field = "client_options::core." + std::string(name);
    if (!factory) fail({errc::invalid_argument, field + " is empty: leave it as it is, or give a factory"});
    factory = [given = std::move(factory), standard = std::move(standard), field, log](std::uint64_t datagram_bytes_max, time_point now) {
        std::string why = "gave none";
        try {
            if (auto made = given(datagram_bytes_max, now)) return made;
        } catch (...) {
            why = "threw: " + thrown_text();
        }
        if (log.wants(log_level::error)) log(log_level::error, "event=controller_missing factory=" + field + " reason=\"" + why + '"');
        return standard(datagram_bytes_max, now);
    };
}

/// A criterion that throws tells two devices apart no more than one for which they are equal.
ranking guarded(const ranking& order, const log_sink& log) {
    auto criteria = order.criteria();
    for (auto& one : criteria) {
        one.compare = [given = std::move(one.compare), name = one.name, log](const device_profile& left, const device_profile& right) {
            try {
                return given(left, right);
            } catch (...) {
                if (log.wants(log_level::error)) log(log_level::error, "event=criterion_threw name=" + name + " reason=\"" + thrown_text() + '"');
                return std::weak_ordering::equivalent;
            }
        };
        if (!one.describe) continue;
        one.describe = [given = std::move(one.describe)](const device_profile& profile) {
            try {
                return given(profile);
            } catch (...) {
                return std::string("?");
            }
        };
    }
    return ranking(std::move(criteria));
}

void guard_extensions(client_config& core) {
    guard(core.foreground, "foreground", make_foreground_controller, core.log);
    guard(core.background, "background", make_background_controller, core.log);
    if (core.order) core.order = guarded(*core.order, core.log);
}

}  // namespace

std::filesystem::path credentials_file(const client_options& options) { return options.data / "credentials"; }

void complete_options(client_options& options, entropy& random) {
    guard_extensions(options.core);
    if (options.data.empty()) fail({errc::invalid_argument, "no data directory is given: set client_options::data"});
    if (const auto made = make_private_directory(options.data); !made) fail(made.error());
    find_addresses(options);
    options.core.identity = load_identity(options.data / "identity.key", random);
    load_credentials(options);
    options.core.has_file_store = options.file_store.has_value();
    options.core.jitter_seed = random.u64();
    if (options.core.host_name.empty()) options.core.host_name = read_host_name();
}

device_profile current_profile(const client_options& options) {
    auto out = read_device_profile();
    out.free_storage_bytes = free_storage_bytes(options.data);
    out.usable_storage_bytes = std::min(out.free_storage_bytes, options.store_limit_bytes);
    return out;
}

}  // namespace p2pdist
