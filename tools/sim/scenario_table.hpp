#pragma once
// Values of a scenario's TOML tables. What is wrong is std::runtime_error with its line.

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include <toml++/toml.h>

#include "p2pdist/base/time.hpp"
#include "p2pdist/sim/prediction.hpp"

namespace p2pdist::tools {

using key_list = std::vector<std::string>;

[[noreturn]] void refuse(const toml::node& where, const std::string& why);
/// "; did you mean 'rate_mbits'?" where one of `known` is much like it, else "; there are a, b and c".
[[nodiscard]] std::string instead_of(std::string_view given, const key_list& known);
void check_keys(const toml::table& table, const key_list& known);

/// Null where there is none.
[[nodiscard]] const toml::table* table_of(const toml::table& parent, const char* key);
[[nodiscard]] std::string text_of(const toml::table& table, const char* key, std::string otherwise);
[[nodiscard]] double number_of(const toml::table& table, const char* key, double otherwise, double low, double high);
/// Of a number without a fraction.
[[nodiscard]] double whole_of(const toml::table& table, const char* key, double otherwise, double low, double high);
[[nodiscard]] bool flag_of(const toml::table& table, const char* key, bool otherwise);
[[nodiscard]] duration duration_of(const toml::table& table, const char* key, const char* otherwise);

[[nodiscard]] key_list names_of(const topology& offices);
/// The office's name where there is one.
[[nodiscard]] std::string office_named(const toml::node& where, const std::optional<std::string>& name, const std::string& what,
                                       const topology& known);

/// [links], [links.offices.NAME] and [[changes]].
void read_links(const toml::table& root, sim::roll_out_plan& out);

}  // namespace p2pdist::tools
