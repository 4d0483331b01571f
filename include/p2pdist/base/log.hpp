#pragma once
// Logging per object: a level and a function, handed in. No global logger. Lines are `key=value` text; secrets never appear.

#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace p2pdist {

/// How much a line matters. `off`, as a threshold, lets nothing through.
enum class log_level { debug, info, warning, error, off };

/// Where a component's lines go. An empty sink discards. The function is called on the component's own thread, and calls nothing of it.
class log_sink {
public:
    /// Takes a line without its end.
    using function = std::function<void(log_level, std::string_view line)>;

    log_sink() = default;
    /// Lines of `threshold` and above go to `write`.
    log_sink(log_level threshold, function write) : write_(std::move(write)), threshold_(threshold) {}

    /// Check this before formatting a line.
    [[nodiscard]] bool wants(log_level level) const noexcept { return write_ && level >= threshold_; }
    /// Writes a line where it is wanted. What the function throws is lost, like the line: nobody who logs could do anything about it.
    void operator()(log_level level, std::string_view line) const noexcept {
        if (!wants(level)) return;
        try {
            write_(level, line);
        } catch (...) {
        }
    }

private:
    function write_;
    log_level threshold_ = log_level::off;
};

}  // namespace p2pdist
