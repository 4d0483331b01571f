#pragma once
// Worlds as text: offices, devices, contents, what befalls them, and what is expected (docs/simulator.md has every statement). A conversation
// that somebody writes, a random world of the fuzzer and a failure that it made small are all the same kind of text.
//
//     office Central
//     office Boston below Central down=20 delay=10ms
//     add ann Boston
//     content app-1 4MiB
//     fetch ann app-1
//     after 3s kill ann for 10s
//     expect ann has app-1 within 2m

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "p2pdist/base/result.hpp"
#include "p2pdist/base/time.hpp"
#include "p2pdist/sim/trace.hpp"

namespace p2pdist::sim {

/// One statement. `after`: it happens so much later than the script came by, which goes on meanwhile.
struct script_line {
    int number = 0;                    ///< in the text, from 1
    std::optional<duration> after{};
    std::vector<std::string> words;    ///< all that stands behind "after TIME"

    [[nodiscard]] const std::string& verb() const noexcept { return words.front(); }
};

/// A list of statements that stand in their places: every name is declared before it is used, every value can be read.
struct script {
    std::vector<script_line> lines;
};

/// errc::malformed: the first line that is wrong, by its number, and what would be right.
[[nodiscard]] result<script> parse_script(std::string_view text);
/// parse_script() gives the same script again, but for the numbers of lines.
[[nodiscard]] std::string to_text(const script& what);
/// Every statement that there is, one a line.
[[nodiscard]] std::string script_help();

struct script_outcome {
    std::string broken;      ///< the oracle that found something, or "expect"; empty: all held
    std::string failure;     ///< in words
    int line = 0;            ///< where the script had come to
    std::uint64_t trace_hash = 0;
    std::uint64_t events = 0;
    duration simulated{};
    std::vector<std::string> measured;   ///< what `expect` statements with a bound have measured, as they would be written

    [[nodiscard]] bool ok() const noexcept { return broken.empty(); }
};

/// Plays it in a world of its own, with every oracle of docs/simulator.md watching. The same script does the same, with or without `lines`.
[[nodiscard]] script_outcome play(const script& what, trace::line_sink lines = {});

}  // namespace p2pdist::sim
