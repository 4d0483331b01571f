#pragma once
// Who holds a UDP port, where the system tells (MSG-5: a failed bind names port and holder).

#include <string>

#include "p2pdist/base/address.hpp"

namespace p2pdist::net {

/// " (by PROGRAM, process 1234)"; " (perhaps by ...)" where it can only be one of our own programs, whose open files the system hides;
/// empty where nothing can be found out.
[[nodiscard]] std::string describe_port_holder(const endpoint& local);

}  // namespace p2pdist::net
