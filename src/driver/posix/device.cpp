#include <array>
#include <chrono>
#include <ctime>
#include <fstream>
#include <string>

#include <sys/resource.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <unistd.h>

#include "p2pdist/driver/device.hpp"

namespace p2pdist {
namespace fs = std::filesystem;
namespace {

bool has_battery() {
    std::error_code failure;
    for (fs::directory_iterator supply("/sys/class/power_supply", failure), end; !failure && supply != end; supply.increment(failure)) {
        std::ifstream type(supply->path() / "type");
        std::string word;
        if (type >> word && word == "Battery") return true;
    }
    return false;
}

/// Servers say so in their chassis type (SMBIOS 7.4.1); a machine that starts no graphical session counts as one too.
os_kind kind_of_os() {
    std::ifstream chassis("/sys/class/dmi/id/chassis_type");
    int type = 0;
    constexpr int rack_mount = 23, blade = 28;
    if (chassis >> type && (type == rack_mount || type == blade)) return os_kind::server;
    std::error_code failure;
    const auto target = fs::read_symlink("/etc/systemd/system/default.target", failure);
    return !failure && target.filename() == "multi-user.target" ? os_kind::server : os_kind::workstation;
}

duration uptime() {
    timespec since_start{};
#ifdef CLOCK_BOOTTIME
    ::clock_gettime(CLOCK_BOOTTIME, &since_start);
#else
    ::clock_gettime(CLOCK_MONOTONIC, &since_start);
#endif
    return std::chrono::seconds(since_start.tv_sec);
}

}  // namespace

device_profile read_device_profile() {
    device_profile profile;
    profile.model = has_battery() ? device_model::laptop : device_model::desktop;
    profile.os = kind_of_os();
    profile.uptime = uptime();
    return profile;
}

void forbid_core_files() {
    const rlimit none{0, 0};
    ::setrlimit(RLIMIT_CORE, &none);
#ifdef __linux__
    // The limit does not hold where core files go to a program (core(5)). This does; and it keeps debuggers of the same user out. What
    // the process reads of itself below /proc stays open to it, but for its memory and environment.
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
}

std::string read_host_name() {
    std::array<char, 256> name{};
    if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
    return name.data();
}

}  // namespace p2pdist
