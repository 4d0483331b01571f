#include "net/port_holder.hpp"

#include <array>
#include <cstddef>
#include <vector>

#include "windows/system.hpp"

#include <iphlpapi.h>

namespace p2pdist::net {
namespace {

/// "program.exe"; empty where we may not know.
std::string program_of(DWORD process) {
    const auto opened = windows::own(::OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, FALSE, process));
    std::array<wchar_t, 1024> name{};
    auto size = static_cast<DWORD>(name.size());
    if (!opened || ::QueryFullProcessImageNameW(opened.get(), 0, name.data(), &size) == 0) return {};
    return windows::narrow(std::filesystem::path(std::wstring(name.data(), size)).filename().wstring());
}

/// The process that has the port; 0 where none is found. IPv4 and IPv6 have tables of two kinds with the same field.
template <class Table>
DWORD process_at(ULONG family, std::uint16_t port) {
    std::vector<std::byte> memory(64 * 1024);
    auto size = static_cast<DWORD>(memory.size());
    if (::GetExtendedUdpTable(memory.data(), &size, FALSE, family, UDP_TABLE_OWNER_PID, 0) == ERROR_INSUFFICIENT_BUFFER) {
        memory.resize(size);
        if (::GetExtendedUdpTable(memory.data(), &size, FALSE, family, UDP_TABLE_OWNER_PID, 0) != NO_ERROR) return 0;
    }
    const auto* table = reinterpret_cast<const Table*>(memory.data());
    for (DWORD i = 0; i < table->dwNumEntries; ++i) {
        if (ntohs(static_cast<u_short>(table->table[i].dwLocalPort)) == port) return table->table[i].dwOwningPid;
    }
    return 0;
}

}  // namespace

std::string describe_port_holder(const endpoint& local) {
    const auto process = local.address.is_v4() ? process_at<MIB_UDPTABLE_OWNER_PID>(AF_INET, local.port) : process_at<MIB_UDP6TABLE_OWNER_PID>(AF_INET6, local.port);
    if (process == 0) return {};
    const auto name = program_of(process);
    return " (by " + (name.empty() ? std::string("another program") : name) + ", process " + std::to_string(process) + ")";
}

}  // namespace p2pdist::net
