#pragma once
// A server's data directory: its keys (DATA/keys, mode 0600) and what initialisation recorded.

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "p2pdist/crypto/crypto_suite.hpp"
#include "p2pdist/driver/server.hpp"

namespace p2pdist {

struct server_keys {
    secret_key identity{};
    secret_key signing{};
    secret_key group{};
    secret_key enrolment{};
    secret_key security{};
};

/// Of the two that are rotated.
[[nodiscard]] result<secret_key> load_server_key(const std::filesystem::path& data, server_key which);
[[nodiscard]] result<server_keys> load_server_keys(const std::filesystem::path& data);
/// What changes when `key rotate` ran, also after the clock was set back: cheap to ask often.
using server_keys_time = std::pair<std::filesystem::file_time_type, std::filesystem::file_time_type>;
[[nodiscard]] server_keys_time server_keys_changed(const std::filesystem::path& data);
[[nodiscard]] result<std::string> recorded_database(const std::filesystem::path& data);

}  // namespace p2pdist
