#pragma once
// What this device is: its addresses and its profile (CLI-5), as the operating system tells them.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "p2pdist/base/address.hpp"
#include "p2pdist/base/device_profile.hpp"

namespace p2pdist {

struct own_address {
    ip_address address;
    std::uint8_t prefix_bits = 24;
    std::optional<ip_address> broadcast;   ///< none on loopback and point-to-point interfaces, nor for IPv6
};

/// The interface that has `bind`, or, without it, that reaches `toward`. On loopback an office is a /16 and only a broadcast that is
/// given counts. errc::not_found where no interface has the address.
[[nodiscard]] result<own_address> find_own_address(const std::optional<ip_address>& bind, const std::optional<ip_address>& toward);

/// Model by the presence of a battery, kind of OS, uptime; storage comes from the store.
[[nodiscard]] device_profile read_device_profile();
/// Free bytes of the volume that holds `path` or its nearest existing parent.
[[nodiscard]] std::uint64_t free_storage_bytes(const std::filesystem::path& path);
/// No core file of this process is written, nor handed to a program that collects them: it would hold its keys. Processes that it starts
/// inherit the limit of zero. On Linux only the system's administrator can trace the process afterwards, or look at its open files.
void forbid_core_files();
[[nodiscard]] std::string read_host_name();
/// A sentence to warn with where others than its owner may read a file that holds a key; empty where they may not, or there is none.
[[nodiscard]] std::string secret_file_exposure(const std::filesystem::path& file);

}  // namespace p2pdist
