// A whole system in one program and on one io_context: a server, an administrator, and two clients that share a package. Loopback
// addresses stand for the organisation's devices.

#include <unistd.h>

// [includes]
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>

#include <asio/io_context.hpp>

#include <p2pdist/driver/client.hpp>
#include <p2pdist/driver/connector.hpp>
#include <p2pdist/driver/hash_file.hpp>
#include <p2pdist/driver/openssl_crypto.hpp>
#include <p2pdist/driver/server.hpp>
#include <p2pdist/wire/messages.hpp>

namespace fs = std::filesystem;
using namespace p2pdist;
// [/includes]

// [administrator]
/// Asks the server, as an administrator with the security key.
void ask(asio::io_context& io, const ip_address& server, const secret_key& key, message_body request) {
    connector link(io, {.server = server, .bind = server, .security_key = key, .ports = {}, .log = {}});
    std::optional<result<message_body>> answer;
    link.request(std::move(request), [&](result<message_body> got) { answer = std::move(got); });
    while (!answer) io.run_one();
    (void)answer->value();   // throws the server's sentence where it refused
}
// [/administrator]

int main() try {
    const auto number = static_cast<unsigned>(::getpid());
    const auto network = "127." + std::to_string(16 + number % 224) + "." + std::to_string(number / 224 % 256) + ".";
    const auto address = [&](int host) { return ip_address::parse(network + std::to_string(host)).value(); };
    const auto work = fs::temp_directory_path() / ("p2pdist-system-" + std::to_string(number));
    fs::create_directories(work / "packages");
    std::ofstream(work / "packages" / "app") << std::string(2'000'000, '#');
    asio::io_context io;

    // [server]
    const auto secrets = initialise_server(work / "server", {}, "Example", std::nullopt).value();
    std::ofstream(work / "enrolment.key") << key_to_text(secrets.enrolment);
    server_options options;
    options.data = work / "server";
    options.bind = address(2);
    options.file_store = work / "packages";
    server central{io, options};
    // [/server]

    // [publish]
    ask(io, address(2), secrets.security, activate_request{"EXAMPLE-0000-0001", 10});
    ask(io, address(2), secrets.security, topology_import_request{"Office,Type,Parent,Subnet\nCentral,Default,," + network + "0/24\n", false});
    const auto tree = hash_file(*make_openssl_crypto(), work / "packages" / "app").value();
    const content_info app{content_id::parse("app").value(), tree.geometry().size_bytes(), {hash_kind::sha256_tree, tree.root()}};
    ask(io, address(2), secrets.security, publish_request{{app}});
    // [/publish]

    // [clients]
    const auto options_of = [&](int host) {
        client_options out{.data = work / std::to_string(host), .server = network + "2", .enrolment_key_file = work / "enrolment.key"};
        out.core.address = address(host);   // several nodes on one device: each has an address of its own
        return out;
    };
    client ann{io, options_of(10)}, ben{io, options_of(11)};
    std::error_code failed;
    const auto show = [&](std::error_code failure, const fetch_result& got) {
        std::cout << (failure ? got.message : std::to_string(got.split[static_cast<std::size_t>(source_kind::office)]) + " bytes from the office") << '\n';
        if (failure) failed = failure;
    };
    ann.async_fetch(app.id, (work / "out").string(), [&](std::error_code failure, const fetch_result& got) {
        show(failure, got);
        ben.async_fetch(app.id, (work / "out").string(), [&](std::error_code second, const fetch_result& from_ann) {
            show(second, from_ann);
            ann.stop();
            ben.stop();
            central.stop();
        });
    });
    io.restart();
    io.run();
    // [/clients]
    const bool right = !failed && fs::file_size(work / "out") == app.size_bytes;
    fs::remove_all(work);
    return right ? 0 : 1;
} catch (const std::exception& why) {
    std::cerr << why.what() << '\n';
    return 1;
}
