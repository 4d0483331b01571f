#include "loopback_office.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <fstream>
#include <iterator>

#include <unistd.h>

#include "p2pdist/base/random.hpp"
#include "p2pdist/driver/connector.hpp"
#include "p2pdist/driver/hash_file.hpp"
#include "p2pdist/driver/openssl_crypto.hpp"

namespace p2pdist::test {
namespace fs = std::filesystem;

namespace {

/// 127.16 to 127.239: below are the addresses of the demo and of daemons, above is the broadcast address.
std::string own_network() {
    const auto number = static_cast<unsigned>(::getpid());
    return "127." + std::to_string(16 + number % 224) + "." + std::to_string(number / 224 % 256) + ".";
}

}  // namespace

loopback_office::loopback_office() : prefix_(own_network()), work_(fs::temp_directory_path() / ("p2pdist-office-" + std::to_string(::getpid()))) {
    fs::remove_all(work_);
    fs::create_directories(work_ / "packages");
    const auto secrets = initialise_server(work_ / "server", {}, {}, std::nullopt).value();
    security_ = secrets.security;
    std::ofstream(work_ / "enrolment.key") << key_to_text(secrets.enrolment) << '\n';
    server_options options;
    options.data = work_ / "server";
    options.bind = ip_address::parse(address(2)).value();
    options.prefix_bits = 16;
    options.file_store = work_ / "packages";
    server_ = std::make_unique<server>(io.get_executor(), options);
    ask(activate_request{"TEST-0000-0000-0001", 10});
    ask(topology_import_request{"Office,Type,Parent,Subnet\nCentral,Default,," + prefix_ + "0/24\n", false});
}

loopback_office::~loopback_office() {
    server_.reset();
    fs::remove_all(work_);
}

client_options loopback_office::client_at(int host) const {
    client_options options{.data = work_ / std::to_string(host), .server = address(2), .enrolment_key_file = work_ / "enrolment.key"};
    options.core.address = ip_address::parse(address(host)).value();
    return options;
}

void loopback_office::ask(message_body request) {
    connector_options options;
    options.server = options.bind = ip_address::parse(address(2)).value();
    options.security_key = security_;
    connector link(io.get_executor(), options);
    std::optional<result<message_body>> answer;
    link.request(std::move(request), [&](result<message_body> got) { answer = std::move(got); });
    const bool answered = run_until([&] { return answer.has_value(); });
    REQUIRE(answered);
    INFO((*answer ? std::string() : answer->error().message));
    REQUIRE(answer->has_value());
    link.stop();
}

content_info loopback_office::publish(const std::string& id, std::size_t size) {
    auto seed = size;
    for (const auto letter : id) seed = seed * 31 + static_cast<unsigned char>(letter);
    random_source random(seed);
    std::string text(size, '\0');
    for (auto& letter : text) letter = static_cast<char>(random());
    const auto file = work_ / "packages" / id;
    std::ofstream(file, std::ios::binary) << text;
    const auto crypto = make_openssl_crypto();
    const auto tree = hash_file(*crypto, file).value();
    const content_info content{content_id::parse(id).value(), size, {hash_kind::sha256_tree, tree.root()}};
    ask(publish_request{{content}});
    return content;
}

bytes loopback_office::contents_of(const std::string& id) const {
    std::ifstream file(fs::exists(work_ / id) ? work_ / id : work_ / "packages" / id, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

bool loopback_office::run_until(const std::function<bool()>& holds) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!holds()) {
        if (std::chrono::steady_clock::now() > limit) return false;
        io.restart();
        io.run_one_for(std::chrono::milliseconds(50));
    }
    return true;
}

bool loopback_office::runs_out() {
    server_.reset();
    io.restart();
    io.run_for(std::chrono::seconds(20));
    return io.stopped();
}

}  // namespace p2pdist::test
