#pragma once
// The network interfaces of this device, as the operating system tells them.

#include <optional>

#include "p2pdist/driver/device.hpp"

namespace p2pdist {

/// The own address from which the system would send there; nothing is sent. Nothing where no interface leads there.
[[nodiscard]] std::optional<ip_address> source_toward(const ip_address& toward);
/// The interface that has this address, with its prefix and broadcast address; nothing where none has. errc::io_failed.
[[nodiscard]] result<std::optional<own_address>> interface_with(const ip_address& address);

}  // namespace p2pdist
