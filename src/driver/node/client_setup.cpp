#include "node/client_setup.hpp"

#include <algorithm>
#include <string_view>
#include <typeinfo>

#include <asio/system_executor.hpp>
#include <asio/thread_pool.hpp>

#include "node/or_fail.hpp"
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
        core.enrolment = value_or_fail(read_key_file(options.enrolment_key_file));
        if (const auto exposed = secret_file_exposure(options.enrolment_key_file); !exposed.empty())
            core.log(log_level::warning, "event=key_exposed reason=\"" + exposed + '"');
    }
    if (!core.saved_credentials && core.enrolment == secret_key{}) {
        fail({errc::invalid_argument, "this device is not enrolled yet ('" + options.data.string() +
                                          "' holds no credentials): set client_options::enrolment_key_file to the organisation's enrolment key"});
    }
}

}  // namespace

std::filesystem::path credentials_file(const client_options& options) { return options.data / "credentials"; }

void complete_options(client_options& options, entropy& random) {
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

void check_executor(const asio::any_io_executor& executor) {
    const auto& type = executor.target_type();
    if (type == typeid(asio::system_executor) || type == typeid(asio::thread_pool::executor_type)) {
        fail({errc::invalid_argument, "this executor runs several handlers at the same time, and a client needs them one after another: "
                                      "give it an io_context that one thread runs, or a strand"});
    }
}

}  // namespace p2pdist
