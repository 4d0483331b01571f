#include "sim/scenario_table.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <stdexcept>

#include "common/program.hpp"

namespace p2pdist::tools {
namespace {

/// How many letters have to be put in, taken out or changed (Levenshtein), with upper and lower case alike.
std::size_t distance(std::string_view left, std::string_view right) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    std::vector<std::size_t> row(right.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= left.size(); ++i) {
        auto diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= right.size(); ++j) {
            const auto changed = diagonal + (lower(left[i - 1]) == lower(right[j - 1]) ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, changed});
        }
    }
    return row.back();
}

std::string number_text(double value) {
    char text[40];
    std::snprintf(text, sizeof text, "%.10g", value);
    return text;
}

double number_in(const toml::node& found, const char* key, double low, double high, bool whole) {
    const auto number = found.is_number() ? found.value<double>() : std::nullopt;
    // Not a number (nan) is neither below nor above anything.
    if (number && *number >= low && *number <= high && (!whole || std::floor(*number) == *number)) return *number;
    refuse(found, std::string(key) + " has to be a " + (whole ? "whole " : "") + "number from " + number_text(low) + " to " + number_text(high));
}

}  // namespace

void refuse(const toml::node& where, const std::string& why) {
    throw std::runtime_error("line " + std::to_string(where.source().begin.line) + ": " + why);
}

std::string instead_of(std::string_view given, const key_list& known) {
    constexpr std::size_t listed_max = 20;
    const auto nearest = std::ranges::min_element(known, {}, [&](const auto& each) { return distance(given, each); });
    if (nearest != known.end() && distance(given, *nearest) <= std::max<std::size_t>(1, given.size() / 3))
        return "; did you mean '" + *nearest + "'?";
    if (known.empty() || known.size() > listed_max) return "";
    std::string list;
    for (std::size_t i = 0; i < known.size(); ++i) list += (i == 0 ? "" : i + 1 == known.size() ? " and " : ", ") + known[i];
    return "; there " + std::string(known.size() == 1 ? "is " : "are ") + list;
}

void check_keys(const toml::table& table, const key_list& known) {
    for (const auto& [key, value] : table) {
        if (std::ranges::find(known, key.str()) == known.end())
            refuse(value, "unknown key '" + std::string(key.str()) + "'" + instead_of(key.str(), known));
    }
}

const toml::table* table_of(const toml::table& parent, const char* key) {
    const auto* found = parent.get(key);
    if (found && !found->is_table()) refuse(*found, std::string(key) + " has to be a table: [" + key + "] and its keys below");
    return found ? found->as_table() : nullptr;
}

std::string text_of(const toml::table& table, const char* key, std::string otherwise) {
    const auto* found = table.get(key);
    if (!found) return otherwise;
    if (const auto text = found->value_exact<std::string>()) return *text;
    refuse(*found, std::string(key) + " has to be a text, in quotes");
}

double number_of(const toml::table& table, const char* key, double otherwise, double low, double high) {
    const auto* found = table.get(key);
    return found ? number_in(*found, key, low, high, false) : otherwise;
}

double whole_of(const toml::table& table, const char* key, double otherwise, double low, double high) {
    const auto* found = table.get(key);
    return found ? number_in(*found, key, low, high, true) : otherwise;
}

bool flag_of(const toml::table& table, const char* key, bool otherwise) {
    const auto* found = table.get(key);
    if (!found) return otherwise;
    if (!found->is_boolean()) refuse(*found, std::string(key) + " has to be true or false");
    return *found->value<bool>();
}

duration duration_of(const toml::table& table, const char* key, const char* otherwise) {
    const auto text = text_of(table, key, otherwise);
    try {
        return parse_duration(text, key);
    } catch (const std::exception& wrong) {
        if (const auto* found = table.get(key)) refuse(*found, wrong.what());
        throw;
    }
}

key_list names_of(const topology& offices) {
    key_list out;
    for (const auto& each : offices.offices()) out.push_back(each.name);
    return out;
}

std::string office_named(const toml::node& where, const std::optional<std::string>& name, const std::string& what, const topology& known) {
    if (!name) refuse(where, what);
    if (!known.find(*name)) refuse(where, "there is no such office: '" + *name + "'" + instead_of(*name, names_of(known)));
    return *name;
}

}  // namespace p2pdist::tools
