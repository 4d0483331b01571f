#include <array>
#include <charconv>
#include <fstream>
#include <iostream>
#include <sstream>

#include "common/program.hpp"
#include "p2pdist/driver/device.hpp"
#include "p2pdist/driver/server.hpp"

namespace p2pdist::tools {
namespace {

constexpr auto duration_max = std::chrono::hours(24 * 365 * 100);

}  // namespace

secret_key read_key(const std::string& file, const log_sink& log) {
    const auto key = read_key_file(file).value();
    if (const auto exposed = secret_file_exposure(file); !exposed.empty()) log(log_level::warning, "event=key_exposed reason=\"" + exposed + '"');
    return key;
}

ip_address parse_address(const std::string& text, const std::string& option) {
    auto parsed = ip_address::parse(text);
    if (!parsed) throw CLI::ValidationError(option, parsed.error().message);
    return *parsed;
}

std::vector<ip_address> parse_addresses(const std::string& text, const std::string& option) {
    std::vector<ip_address> out;
    std::istringstream parts(text);
    for (std::string part; std::getline(parts, part, ',');) out.push_back(parse_address(part, option));
    if (out.empty()) throw CLI::ValidationError(option, "no address is given");
    return out;
}

std::uint64_t parse_size(const std::string& text, const std::string& option) {
    if (const auto size = p2pdist::parse_size(text, 0, INT64_MAX)) return *size;
    throw CLI::ValidationError(option, "'" + text + "' is no size: write a number and a unit, such as 512 MiB or 1.5 GB (" + std::string(size_unit_names) + ")");
}

duration parse_duration(const std::string& text, const std::string& option) {
    if (const auto time = p2pdist::parse_duration(text, {}, duration_max)) return *time;
    throw CLI::ValidationError(option, "'" + text + "' is no time: write a number and a unit, such as 90 s or 1.5 h (" + std::string(time_unit_names) +
                                           "), up to 100 years");
}

port_plan parse_ports(const std::string& text, const std::string& option) {
    int offset = 0;
    const auto parsed = std::from_chars(text.data() + (text.starts_with('+') ? 1 : 0), text.data() + text.size(), offset);
    if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) {
        auto plan = port_plan::with_offset(offset);
        if (!plan) throw CLI::ValidationError(option, plan.error().message);
        return *plan;
    }
    std::ifstream file(text);
    if (!file) throw CLI::ValidationError(option, "'" + text + "' is neither an offset nor a file that can be read");
    port_plan plan;
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
        line = line.substr(0, line.find('#'));
        std::erase_if(line, [](unsigned char c) { return std::isspace(c) != 0; });
        if (line.empty()) continue;
        const auto equals = line.find('=');
        const auto use = equals == std::string::npos ? std::nullopt : parse_port_use(line.substr(0, equals));
        unsigned port = 0;
        const bool is_number = equals != std::string::npos &&
                               std::from_chars(line.data() + equals + 1, line.data() + line.size(), port).ptr == line.data() + line.size();
        const auto where = text + ", line " + std::to_string(number) + ": ";
        if (!use || !is_number || port == 0 || port > 65535) throw CLI::ValidationError(option, where + "expected `name = port`, e.g. content_fg = 44760");
        if (const auto set = plan.set(*use, static_cast<std::uint16_t>(port)); !set) throw CLI::ValidationError(option, where + set.error().message);
    }
    return plan;
}

namespace {

/// Columns that a text takes on a terminal: one for each character, two for those of East Asia and for pictures, none for combining accents.
std::size_t width_of(const std::string& text) {
    std::size_t out = 0;
    char32_t character = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        if ((byte & 0xc0U) == 0x80) character = character << 6 | (byte & 0x3fU);
        else character = byte < 0x80 ? byte : byte < 0xe0 ? byte & 0x1fU : byte < 0xf0 ? byte & 0x0fU : byte & 0x07U;
        const bool last = at + 1 == text.size() || (static_cast<unsigned char>(text[at + 1]) & 0xc0U) != 0x80;
        if (!last) continue;
        const bool wide = (character >= 0x1100 && character <= 0x115f) || (character >= 0x2e80 && character <= 0xa4cf) || (character >= 0xac00 && character <= 0xd7a3) ||
                          (character >= 0xf900 && character <= 0xfaff) || (character >= 0xff00 && character <= 0xff60) || (character >= 0x1f300 && character <= 0x3fffd);
        const bool combining = character >= 0x300 && character <= 0x36f;
        out += wide ? 2U : combining ? 0U : 1U;
    }
    return out;
}

}  // namespace

std::string size_text(std::uint64_t bytes) {
    constexpr std::array units{"B", "KiB", "MiB", "GiB", "TiB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; value >= 1024 && unit + 1 < units.size(); ++unit) value /= 1024;
    return fixed(value, unit == 0 ? 0 : 1) + " " + units[unit];
}

std::string duration_text(double seconds) {
    if (seconds < 60) return fixed(seconds, 1) + " s";
    const auto whole = static_cast<long>(seconds);
    if (whole < 3600) return std::to_string(whole / 60) + " min " + std::to_string(whole % 60) + " s";
    return std::to_string(whole / 3600) + " h " + std::to_string(whole % 3600 / 60) + " min";
}

void print_table(const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
    }
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) line += row[i] + std::string(widths[i] - width_of(row[i]) + 2, ' ');
        std::cout << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
    }
}

}  // namespace p2pdist::tools
