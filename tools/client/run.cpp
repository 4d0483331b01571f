#include "client/run.hpp"

#include <chrono>
#include <filesystem>
#include <iostream>

#include <asio/steady_timer.hpp>

#include "p2pdist/driver/client.hpp"
#include "p2pdist/driver/device.hpp"
#include "p2pdist/driver/local_service.hpp"
#include "p2pdist/driver/server.hpp"

namespace p2pdist::tools {
namespace {

constexpr auto profile_period = std::chrono::minutes(1);

client_options to_client_options(const run_options& given) {
    client_options out;
    auto& core = out.core;
    core.log = given.log.sink();
    core.servers = parse_addresses(given.server, "--server");
    if (!given.bind.empty()) {   // else the client finds its address, and follows it
        const auto own = find_own_address(parse_address(given.bind, "--bind"), core.servers.front()).value();
        core.address = own.address;
        core.prefix_bits = own.prefix_bits;
        core.broadcast = own.broadcast;
    }
    if (!given.broadcast.empty()) core.broadcast = parse_address(given.broadcast, "--broadcast");
    if (!given.enrolment_key_file.empty()) core.enrolment = read_key(given.enrolment_key_file, core.log);
    if (!given.ports.empty()) core.ports = parse_ports(given.ports, "--ports");
    if (!given.cdn.empty() && !given.cdn.starts_with("http://") && !given.cdn.starts_with("https://"))
        throw CLI::ValidationError("--cdn", "this is no URL of a CDN: give http://HOST/PATH or https://HOST/PATH");
    if (!given.cdn.empty()) core.cdn = given.cdn;
    core.host_name = read_host_name();
    out.data = given.data;
    if (given.enrolment_key_file.empty() && !std::filesystem::exists(std::filesystem::path(given.data) / "credentials"))
        throw CLI::ValidationError("--enrolment-key-file", "this device is not enrolled yet ('" + given.data +
                                                               "' holds no credentials): give the organisation's enrolment key");
    if (!given.file_store.empty()) out.file_store = given.file_store;
    if (!given.store_limit.empty()) out.store_limit_bytes = parse_size(given.store_limit, "--store-limit");
    out.plain_udp = given.plain_udp;
    return out;
}

/// The device's own values, with those that the administrator gave instead.
device_profile profile_of(const run_options& given, std::uint64_t store_limit) {
    auto profile = read_device_profile();
    const auto free = free_storage_bytes(given.data);
    profile.free_storage_bytes = given.free_storage.empty() ? free : parse_size(given.free_storage, "--free-storage");
    profile.usable_storage_bytes = given.usable_storage.empty() ? std::min(free, store_limit) : parse_size(given.usable_storage, "--usable-storage");
    if (!given.uptime.empty()) profile.uptime = parse_duration(given.uptime, "--uptime");
    if (!given.model.empty()) profile.model = given.model == "laptop" ? device_model::laptop : device_model::desktop;
    if (!given.os.empty()) profile.os = given.os == "server" ? os_kind::server : os_kind::workstation;
    profile.preferred = given.preferred;
    return profile;
}

void log_event(const log_sink& log, const client_event& event) {
    if (const auto* enrolled = std::get_if<client_enrolled>(&event)) log(log_level::info, "event=enrolled id=" + enrolled->id.to_string());
    else if (const auto* registered = std::get_if<client_registered>(&event))
        log(log_level::info, "event=registered office=\"" + registered->office + "\" activated=" + (registered->activated ? "yes" : "no"));
    else if (const auto* done = std::get_if<command_done>(&event))
        log(done->failure ? log_level::warning : log_level::info,
            "event=command_done content=\"" + done->content.id.text() + "\"" + (done->failure ? " error=\"" + done->failure->message + "\"" : ""));
}

}  // namespace

void add_run_options(CLI::App& command, run_options& options) {
    command.add_option("--data", options.data, "The client's directory: key, credentials, store, local socket")->required();
    command.add_option("--server", options.server, "The server's address, or several with commas")->required();
    command.add_option("--enrolment-key-file", options.enrolment_key_file, "The organisation's enrolment key: to enrol, and to renew the certificate before it ends");
    command.add_option("--bind", options.bind, "Own address; default: of the interface that reaches the server, also after that changes");
    command.add_option("--broadcast", options.broadcast, "Broadcast address for discovery; default: of the interface");
    command.add_option("--ports", options.ports, "Move the port block by a number, or a file of `name = port` lines");
    command.add_option("--store-limit", options.store_limit, "What the store may take, e.g. 50GiB; default: the volume");
    command.add_option("--cdn", options.cdn, "Base URL of the CDN, http or https");
    command.add_option("--file-store", options.file_store, "Directory or mounted share with packages, read only")->check(CLI::ExistingDirectory);
    command.add_flag("--preferred", options.preferred, "This device is a preferred rendezvous point");
    command.add_option("--free-storage", options.free_storage, "Instead of the volume's free bytes");
    command.add_option("--usable-storage", options.usable_storage, "Instead of what the store may take");
    command.add_option("--uptime", options.uptime, "Instead of the system's, e.g. 12h");
    command.add_option("--model", options.model, "desktop or laptop")->check(CLI::IsMember({"desktop", "laptop"}));
    command.add_option("--os", options.os, "server or workstation")->check(CLI::IsMember({"server", "workstation"}));
    command.add_flag("--plain-udp", options.plain_udp, "One datagram a system call, as on systems without batches");
    options.log.add_to(command);
}

int run_client(const run_options& given) {
    forbid_core_files();
    auto settings = to_client_options(given);
    settings.core.profile = profile_of(given, settings.store_limit_bytes);
    const auto log = settings.core.log;
    asio::io_context io(1);
    client node(io.get_executor(), settings);
    local_service service(io.get_executor(), node, given.data);
    node.set_event_handler([&](const client_event& event) {
        log_event(log, event);
        service.on_event(event);
    });
    asio::steady_timer profile_timer(io);
    const std::function<void()> keep_profile = [&] {
        profile_timer.expires_after(profile_period);
        profile_timer.async_wait([&](std::error_code failure) {
            if (failure) return;
            node.set_profile(profile_of(given, settings.store_limit_bytes));
            keep_profile();
        });
    };
    keep_profile();
    stop_signals signals(io, [&] {
        profile_timer.cancel();
        service.stop();
        node.stop();
    });
    log(log_level::info, "event=started role=client address=" + node.core().address().to_string());
    io.run();
    return done;
}

}  // namespace p2pdist::tools
