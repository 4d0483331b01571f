#include "sim/progress.hpp"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <stdexcept>

#ifdef _WIN32
#include <io.h>
#else
#include <unistd.h>
#endif

#include "common/program.hpp"

namespace p2pdist::tools {
namespace {

bool error_is_terminal() {
#ifdef _WIN32
    return ::_isatty(2) != 0;
#else
    return ::isatty(STDERR_FILENO) != 0;
#endif
}

/// A file that holds one number; "max" is none.
std::optional<std::uint64_t> number_in(const char* path) {
    std::ifstream file(path);
    std::uint64_t out = 0;
    return file >> out ? std::optional(out) : std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> free_memory() {
    std::optional<std::uint64_t> out;
    std::ifstream file("/proc/meminfo");
    for (std::string name, unit; file >> name;) {
        std::uint64_t kibibytes = 0;
        if (!(file >> kibibytes) || !std::getline(file, unit)) break;
        if (name == "MemAvailable:") out = kibibytes * 1024;
    }
    const auto most = number_in("/sys/fs/cgroup/memory.max"), used = number_in("/sys/fs/cgroup/memory.current");
    if (most && used) out = std::min(out.value_or(UINT64_MAX), *most > *used ? *most - *used : 0);
    return out;
}

void check_memory(const sim::roll_out_plan& plan) {
    const auto there = free_memory();
    const auto needed = sim::memory_estimate(plan);
    if (!there || needed <= *there) return;
    auto empty = plan;
    empty.content_bytes = 0;
    const auto others = sim::memory_estimate(empty);
    const auto each = (needed - others) / std::max<std::uint64_t>(1, plan.content_bytes);
    throw std::runtime_error("a content of " + size_text(plan.content_bytes) + " needs about " + size_text(needed) + " of memory to simulate, and " +
                             size_text(*there) + " are free here" +
                             (*there > others && each > 0 ? "; one of " + size_text((*there - others) / each) +
                                                                " fits. From some hundred MiB on times grow with the size: predict a smaller one"
                                                          : ": not even so many clients fit"));
}

progress_line::progress_line(bool wanted) : terminal_(error_is_terminal()), wanted_(wanted || terminal_) {}
progress_line::~progress_line() { clear(); }

sim::progress_sink progress_line::sink() {
    if (!wanted_) return nullptr;
    return [this](const sim::roll_out_progress& at) { show(at); };
}

void progress_line::show(const sim::roll_out_progress& at) {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_) return;
    next_ = now + (terminal_ ? std::chrono::milliseconds(500) : std::chrono::seconds(5));
    const auto line = "simulation " + std::to_string(at.number) + (at.of > at.number ? " of " + std::to_string(at.of) : "") +
                      (at.what.empty() ? "" : " (" + at.what + ")") + ": " + duration_text(to_seconds(at.simulated)) + " simulated, " +
                      fixed(at.complete * 100, 1) + " % complete";
    if (!terminal_) {
        std::cerr << line << '\n';
        return;
    }
    std::cerr << '\r' << line.substr(0, 150) << "\033[K" << std::flush;
    shown_ = true;
}

void progress_line::clear() {
    if (shown_) std::cerr << "\r\033[K" << std::flush;
    shown_ = false;
}

}  // namespace p2pdist::tools
