#include "p2pdist/driver/device.hpp"

#include <array>
#include <chrono>
#include <string>

#include "windows/system.hpp"

namespace p2pdist {
namespace {

bool has_battery() {
    SYSTEM_POWER_STATUS power{};
    constexpr BYTE none = 128, unknown = 255;
    return ::GetSystemPowerStatus(&power) != 0 && power.BatteryFlag != unknown && (power.BatteryFlag & none) == 0;
}

os_kind kind_of_os() {
    OSVERSIONINFOEXW wanted{};
    wanted.dwOSVersionInfoSize = sizeof wanted;
    wanted.wProductType = VER_NT_WORKSTATION;
    const auto equal = ::VerSetConditionMask(0, VER_PRODUCT_TYPE, VER_EQUAL);
    return ::VerifyVersionInfoW(&wanted, VER_PRODUCT_TYPE, equal) != 0 ? os_kind::workstation : os_kind::server;
}

}  // namespace

device_profile read_device_profile() {
    device_profile profile;
    profile.model = has_battery() ? device_model::laptop : device_model::desktop;
    profile.os = kind_of_os();
    profile.uptime = std::chrono::milliseconds(::GetTickCount64());
    return profile;
}

void forbid_core_files() {
    // Windows Error Reporting keeps its hands off a process that wants no fault box; children inherit it.
    ::SetErrorMode(::SetErrorMode(0) | SEM_NOGPFAULTERRORBOX | SEM_FAILCRITICALERRORS);
}

std::string read_host_name() {
    std::array<wchar_t, 256> name{};
    auto size = static_cast<DWORD>(name.size());
    if (::GetComputerNameExW(ComputerNameDnsHostname, name.data(), &size) == 0) return "unknown";
    return windows::narrow({name.data(), size});
}

}  // namespace p2pdist
