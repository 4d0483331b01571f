#include "csv_table.hpp"

#include <csv.h>

#include <algorithm>
#include <exception>

#include "p2pdist/base/limits.hpp"
#include "text.hpp"

namespace p2pdist::detail {
namespace {

/// Enough for every column that we know, with some to spare; it bounds the memory that a file of delimiters takes.
constexpr std::size_t cells_max = 32;

char delimiter_of(std::string_view text) noexcept {
    std::size_t commas = 0;
    std::size_t semicolons = 0;
    bool in_quotes = false;
    text.remove_prefix(std::min(text.size(), text.find_first_not_of(blanks)));
    for (const auto c : text) {
        if (c == '"') in_quotes = !in_quotes;
        if (in_quotes) continue;
        if (c == '\r' || c == '\n') break;
        commas += c == ',';
        semicolons += c == ';';
    }
    return semicolons > commas ? ';' : ',';
}

/// Owns a libcsv parser, and collects what it reports. Exceptions wait until the C code has returned.
class collector {
public:
    explicit collector(char delimiter) {
        csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL);
        csv_set_delim(&parser_, static_cast<unsigned char>(delimiter));
    }
    ~collector() { csv_free(&parser_); }
    collector(const collector&) = delete;
    collector& operator=(const collector&) = delete;

    csv_table parse(std::string_view text) && {
        const bool cut = csv_parse(&parser_, text.data(), text.size(), &on_cell, &on_row, this) == text.size();
        const bool finished = cut && csv_fini(&parser_, &on_cell, &on_row, this) == 0;
        if (failure_) std::rethrow_exception(failure_);
        if (!cut)
            refuse("a quote stands inside a cell: put the whole cell in quotes, and double the quotes in it");
        else if (!finished)
            refuse("a quote opens here or further on, and is never closed");
        return std::move(table_);
    }

private:
    static void on_cell(void* data, std::size_t size, void* self) noexcept {
        static_cast<collector*>(self)->guarded([&](collector& me) {
            if (me.cells_.size() < cells_max)
                me.cells_.emplace_back(trimmed({size == 0 ? "" : static_cast<const char*>(data), size}));
            else
                me.too_many_cells_ = true;
        });
    }
    static void on_row(int end, void* self) noexcept {
        static_cast<collector*>(self)->guarded([&](collector& me) { me.finish_row(end); });
    }
    template <class Function>
    void guarded(Function function) noexcept {
        try {
            if (!failure_) function(*this);
        } catch (...) {
            failure_ = std::current_exception();
        }
    }

    void finish_row(int end) {
        // libcsv reports CR and LF singly; the LF of a CRLF ends no further row.
        const bool second_half = end == '\n' && last_end_ == '\r' && cells_.empty();
        last_end_ = second_half ? 0 : end;
        if (second_half) return;
        if (too_many_cells_) refuse("more than " + std::to_string(cells_max) + " cells in a row");
        const bool blank = std::all_of(cells_.begin(), cells_.end(), [](const std::string& cell) { return cell.empty(); });
        const bool fits = static_cast<std::size_t>(row_) <= limits::spreadsheet_rows_max;
        if (!blank && fits) table_.rows.push_back({row_, std::move(cells_)});
        if (!blank && !fits && !too_many_rows_) {
            too_many_rows_ = true;
            refuse("more than " + std::to_string(limits::spreadsheet_rows_max) + " rows; the rest is not read");
        }
        cells_.clear();
        too_many_cells_ = false;
        ++row_;
    }
    void refuse(std::string reason) { table_.refusals.push_back({row_, "", std::move(reason)}); }

    csv_parser parser_{};
    csv_table table_;
    std::vector<std::string> cells_;
    int row_ = 1;
    int last_end_ = 0;
    bool too_many_cells_ = false;
    bool too_many_rows_ = false;
    std::exception_ptr failure_;
};

}  // namespace

csv_table parse_csv(std::string_view text) { return collector(delimiter_of(text)).parse(text); }

void append_csv_cell(std::string& out, std::string_view cell) {
    if (cell.find_first_of(",;\"\r\n\t") == std::string_view::npos) {
        out += cell;
        return;
    }
    const auto start = out.size();
    out.resize(start + csv_write(nullptr, 0, cell.data(), cell.size()));
    csv_write(out.data() + start, out.size() - start, cell.data(), cell.size());
}

}  // namespace p2pdist::detail
