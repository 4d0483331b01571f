// What is the same on every system of what p2pdist/driver/device.hpp promises.

#include "p2pdist/driver/device.hpp"

#include "node/interfaces.hpp"

namespace p2pdist {
namespace fs = std::filesystem;
namespace {

constexpr std::uint8_t loopback_office_bits = 16;

bool is_loopback(const ip_address& address) { return address.is_v4() && address.network_bytes()[0] == 127; }

}  // namespace

result<own_address> find_own_address(const std::optional<ip_address>& bind, const std::optional<ip_address>& toward) {
    auto wanted = bind;
    if (!wanted && toward) wanted = source_toward(*toward);
    if (!wanted)
        return {errc::not_found, "no interface reaches the server: check the network, or name the own address (--bind; in a program core.address)"};
    if (is_loopback(*wanted)) return own_address{*wanted, loopback_office_bits, std::nullopt};
    const auto found = interface_with(*wanted);
    if (!found) return found.error();
    if (!*found) {
        return {errc::not_found, "no interface of this device has the address " + wanted->to_string() +
                                     ": check --bind (in a program core.address or bind)"};
    }
    return **found;
}

std::uint64_t free_storage_bytes(const fs::path& path) {
    auto existing = fs::absolute(path);
    std::error_code failure;
    while (!fs::exists(existing, failure) && existing.has_parent_path() && existing != existing.parent_path()) existing = existing.parent_path();
    const auto space = fs::space(existing, failure);
    return failure ? 0 : space.available;
}

}  // namespace p2pdist
