#pragma once
// The benchmarks' harness: a subject is compared with a reference that is measured beside it in every run, so that the machine's
// speed and its other work cancel out as far as they can. Times are processor time of this process, not wall-clock time.

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "p2pdist/base/bytes.hpp"
#include "p2pdist/base/random.hpp"

namespace p2pdist::bench {

/// Ends the program where a subject did not do its work: a wrong result has no speed.
inline void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "wrong result: %s\n", what);
    std::exit(1);
}

/// Seconds of processor time that `work` takes.
inline double seconds_of(const std::function<void()>& work) {
    const auto start = std::clock();
    work();
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

struct spread {
    double min = 0;
    double median = 0;
    double max = 0;
};

inline spread spread_of(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    const auto middle = values.size() / 2;
    return {values.front(), values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2, values.back()};
}

inline bytes random_bytes(std::size_t size, std::uint64_t seed) {
    random_source random(seed);
    bytes out(size);
    for (auto& byte : out) byte = static_cast<std::uint8_t>(random() >> 56);
    return out;
}

/// The programs' options and their output.
class report {
public:
    /// Ends the program with exit code 2 where the arguments are wrong, with 0 after --help.
    report(std::string_view program, int argc, const char* const* argv) : program_(program) {
        for (int i = 1; i < argc; ++i) {
            const std::string_view option = argv[i];
            if (option == "--json") {
                json_ = true;
            } else if (option == "--tiny") {
                tiny_ = true;
                runs_ = 1;
            } else if (option == "--runs" && i + 1 < argc && read_runs(argv[i + 1])) {
                ++i;
            } else {
                const bool asked = option == "--help";
                std::fprintf(asked ? stdout : stderr, "usage: bench_%s [--json] [--tiny] [--runs 1..1000]\n", program_.c_str());
                std::exit(asked ? 0 : 2);
            }
        }
    }

    /// Whether to do just enough work to see that the program still runs.
    [[nodiscard]] bool tiny() const noexcept { return tiny_; }

    /// Measures `subject` against `reference`, turn by turn. `units` is how many of `unit` ("B", "candidates") each of the two does.
    void compare(std::string name, std::string_view unit, double units, const std::function<void()>& reference,
                 const std::function<void()>& subject) {
        std::vector<double> ratios;
        std::vector<double> subject_speeds;
        std::vector<double> reference_speeds;
        if (!tiny_) {  // caches, page faults, the processor's clock
            reference();
            subject();
        }
        for (int run = 0; run < runs_; ++run) {
            const auto expected = std::max(seconds_of(reference), clock_step);
            const auto taken = std::max(seconds_of(subject), clock_step);
            ratios.push_back(taken / expected);
            subject_speeds.push_back(units / taken);
            reference_speeds.push_back(units / expected);
        }
        rows_.push_back({std::move(name), std::string(unit), spread_of(ratios), spread_of(subject_speeds), spread_of(reference_speeds)});
    }

    void print() const { json_ ? print_json() : print_text(); }

private:
    struct row {
        std::string name;
        std::string unit;
        spread ratio;
        spread speed;      ///< units a second of processor time
        spread reference;  ///< the same of the reference
    };
    static constexpr double clock_step = 1e-6;

    bool read_runs(std::string_view text) {
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), runs_);
        return error == std::errc() && end == text.data() + text.size() && runs_ >= 1 && runs_ <= 1000;
    }

    void print_text() const {
        std::printf("%s: %d runs%s\n%-24s %26s   %s\n", program_.c_str(), runs_, tiny_ ? ", tiny: the numbers mean nothing" : "", "",
                    "time / reference's time", "million units a second of one core: this, reference (medians)");
        for (const auto& each : rows_) {
            std::printf("%-24s %8.3f %8.3f %8.3f   %10.2f %10.2f M%s/s\n", each.name.c_str(), each.ratio.min, each.ratio.median,
                        each.ratio.max, each.speed.median / 1e6, each.reference.median / 1e6, each.unit.c_str());
        }
    }

    void print_json() const {
        std::printf("{\"benchmark\":\"%s\",\"runs\":%d,\"tiny\":%s,\"rows\":[", program_.c_str(), runs_, tiny_ ? "true" : "false");
        const char* separator = "";
        for (const auto& each : rows_) {
            std::printf("%s\n{\"name\":\"%s\",\"unit\":\"%s\"", separator, each.name.c_str(), each.unit.c_str());
            print_json("ratio", each.ratio);
            print_json("units_per_second", each.speed);
            print_json("reference_units_per_second", each.reference);
            std::printf("}");
            separator = ",";
        }
        std::printf("\n]}\n");
    }
    static void print_json(const char* name, const spread& value) {
        std::printf(",\"%s\":{\"min\":%.6g,\"median\":%.6g,\"max\":%.6g}", name, value.min, value.median, value.max);
    }

    std::string program_;
    bool json_ = false;
    bool tiny_ = false;
    int runs_ = 9;
    std::vector<row> rows_;
};

}  // namespace p2pdist::bench
