#include "node/server_keys.hpp"

#include <algorithm>
#include <fstream>

#include <openssl/crypto.h>

#include "node/secret_file.hpp"
#include "p2pdist/driver/openssl_crypto.hpp"
#include "p2pdist/driver/sql_catalogue.hpp"

namespace p2pdist {
namespace fs = std::filesystem;
namespace {

constexpr std::pair<const char*, secret_key server_keys::*> key_files[] = {
    {"identity.key", &server_keys::identity},   {"signing.key", &server_keys::signing},   {"group.key", &server_keys::group},
    {"enrolment.key", &server_keys::enrolment}, {"security.key", &server_keys::security},
};

fs::path key_file(const fs::path& data, server_key which) {
    return data / "keys" / (which == server_key::security ? "security.key" : "enrolment.key");
}

}  // namespace

error secret_file_too_long(const fs::path& file) {
    return {errc::limit_reached, file.string() + " is longer than the " + std::to_string(secret_file_bytes_max >> 20) + " MiB that a file of its kind may have"};
}

fs::path plain_directory(const fs::path& directory) {
    const auto normal = fs::absolute(directory).lexically_normal();
    return normal.has_filename() ? normal : normal.parent_path();
}

void wipe(mutable_byte_span secret) noexcept { OPENSSL_cleanse(secret.data(), secret.size()); }
void wipe(std::string& secret) noexcept { OPENSSL_cleanse(secret.data(), secret.size()); }

std::string key_to_text(const secret_key& key) {
    constexpr std::size_t group = 8;
    const auto digits = to_hex(key);
    std::string text;
    for (std::size_t i = 0; i < digits.size(); i += group) text += (i == 0 ? "" : "-") + digits.substr(i, group);
    return text;
}

result<secret_key> key_from_text(std::string_view text) {
    std::string digits;
    digits.reserve(text.size());  // grown in pieces, it would leave some of them behind
    for (const auto c : text) {
        if (c != '-' && c != ' ' && c != '\n' && c != '\r' && c != '\t') digits.push_back(c);
    }
    auto decoded = from_hex(digits);
    wipe(digits);
    secret_key key{};
    if (!decoded || decoded->size() != key.size()) return {errc::malformed, "a key is 64 hexadecimal digits, with or without dashes"};
    std::copy(decoded->begin(), decoded->end(), key.begin());
    wipe(*decoded);
    return key;
}

result<secret_key> read_key_file(const fs::path& file) {
    auto text = read_secret_file(file);
    if (!text) return text.error();
    auto key = key_from_text(as_text(*text));
    wipe(*text);
    if (!key) return {errc::malformed, file.string() + ": " + key.error().message};
    return key;
}

result<server_secrets> initialise_server(const fs::path& data, const std::string& database_url, const std::string& name,
                                         const std::optional<ip_address>& address) {
    if (fs::exists(data / "keys")) {
        if (fs::exists(data / "server.conf"))
            return {errc::already_exists, data.string() + " holds a server already: use another directory, or `key rotate` for a new key"};
        return {errc::already_exists, (data / "keys").string() + " is there without a server.conf: of an init that did not end? Then remove it and try again"};
    }
    for (const auto& directory : {data, data / "keys"}) {
        if (const auto made = make_private_directory(directory); !made) return made.error();
    }
    const auto url = database_url.empty() ? "sqlite://" + fs::absolute(data / "catalogue.sqlite").lexically_normal().string() : database_url;
    const auto failed = [&](const error& why) {   // what has only begun is no server, and must not be in the way of the next try
        std::error_code ignored;
        for (const auto& [file, member] : key_files) fs::remove(data / "keys" / file, ignored);
        fs::remove(data / "keys", ignored);
        return why;
    };
    if (auto database = sql_catalogue::open(url); !database) return failed(database.error());
    const auto random = make_system_entropy();
    server_keys keys;
    for (const auto& [file, member] : key_files) {
        keys.*member = random->array<32>();
        if (const auto written = write_secret_file(data / "keys" / file, as_bytes(key_to_text(keys.*member) + "\n")); !written) return failed(written.error());
    }
    std::string record = "database " + url + "\n";
    if (!name.empty()) record += "name " + name + "\n";
    if (address) record += "address " + address->to_string() + "\n";
    if (const auto written = write_secret_file(data / "server.conf", as_bytes(record)); !written) return failed(written.error());
    return server_secrets{keys.security, keys.enrolment};
}

result<secret_key> rotate_server_key(const fs::path& data, server_key which) {
    const auto file = key_file(data, which);
    if (!fs::exists(file)) return {errc::not_found, data.string() + " holds no server: run `p2pdist-server init` first"};
    const auto key = make_system_entropy()->array<32>();
    if (const auto written = write_secret_file(file, as_bytes(key_to_text(key) + "\n")); !written) {
        const auto kept = read_key_file(file);
        if (!kept || *kept != key) return written.error();  // else it counts, and who asked for it has to know it
    }
    return key;
}

result<secret_key> load_server_key(const fs::path& data, server_key which) { return read_key_file(key_file(data, which)); }

result<server_keys> load_server_keys(const fs::path& data) {
    server_keys keys;
    for (const auto& [file, member] : key_files) {
        auto key = read_key_file(data / "keys" / file);
        if (!key && key.error().code == errc::not_found)
            return {errc::not_found, data.string() + " holds no server: run `p2pdist-server init --data " + data.string() + "` first"};
        if (!key) return key.error();
        keys.*member = *key;
    }
    return keys;
}

server_keys_time server_keys_changed(const fs::path& data) {
    std::error_code failure;
    return {fs::last_write_time(key_file(data, server_key::security), failure), fs::last_write_time(key_file(data, server_key::enrolment), failure)};
}

result<std::string> recorded_database(const fs::path& data) {
    std::ifstream file(data / "server.conf");
    std::string word, value;
    while (file >> word && std::getline(file >> std::ws, value)) {
        if (word == "database") return value;
    }
    return {errc::not_found, (data / "server.conf").string() + " names no database: give --database"};
}

}  // namespace p2pdist
