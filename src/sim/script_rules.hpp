#pragma once
// The grammar of scripts: which statements there are, and what the words of one mean.

#include <functional>
#include <map>
#include <set>
#include <span>

#include "p2pdist/sim/script.hpp"

namespace p2pdist::sim {

/// The words of a statement by what they stand for in its rule's pattern; of SETTINGS each by its key.
class script_values {
public:
    void set(std::string_view name, std::string value) { values_[std::string(name)] = std::move(value); }
    [[nodiscard]] bool has(std::string_view name) const { return values_.contains(name); }
    [[nodiscard]] const std::string& text(std::string_view name) const { return values_.find(name)->second; }
    [[nodiscard]] std::string text_or(std::string_view name, std::string otherwise) const { return has(name) ? text(name) : std::move(otherwise); }
    // All values were read once when the statement was checked.
    [[nodiscard]] duration time(std::string_view name) const;
    [[nodiscard]] double number(std::string_view name) const;
    [[nodiscard]] std::uint64_t size(std::string_view name) const;
    [[nodiscard]] std::int64_t integer(std::string_view name) const;

private:
    std::map<std::string, std::string, std::less<>> values_;
};

/// "3s", "250ms", "80us", "5m", "1h" and fractions of them.
[[nodiscard]] std::optional<duration> read_time(std::string_view text);
[[nodiscard]] std::string write_time(duration time);
/// "0.05", "5%".
[[nodiscard]] std::optional<double> read_number(std::string_view text);

enum class script_place : std::uint8_t {
    before,    ///< the world is built: it declares something
    any,
    now,       ///< waits or asks, never later
};

/// `pattern`: lower-case words stand for themselves, a|b for either, UPPER for a value, [...] for what may be left out.
struct script_rule {
    std::string_view verb;
    std::string_view pattern;
    script_place place = script_place::any;
};
[[nodiscard]] std::span<const script_rule> script_rules();
/// What SETTINGS may be for the verb, as "down=NUMBER up=NUMBER ...".
[[nodiscard]] std::string settings_usage(std::string_view verb);

/// What was declared up to a line.
struct script_names {
    std::set<std::string, std::less<>> offices, clients, contents;
};

struct matched_line {
    const script_rule* rule = nullptr;
    script_values values;
};
/// Reads a statement. `names` takes in what it declares.
[[nodiscard]] result<matched_line> match(const script_line& line, script_names& names);

}  // namespace p2pdist::sim
