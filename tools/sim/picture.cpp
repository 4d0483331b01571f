#include "sim/picture.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <sstream>
#include <utility>

#include "common/program.hpp"

namespace p2pdist::tools {
namespace {

constexpr double label_width = 190, plot_width = 640, right_width = 190, head = 74, row_height = 34, area_height = 18, strip_height = 5, note_height = 18;
constexpr std::size_t note_length = 150;   // letters in a line

std::string number(double value) {
    char text[48];
    std::snprintf(text, sizeof text, "%.1f", value);
    return text;
}

/// Also for what an office is called: nobody's name ends a tag.
std::string escaped(const std::string& text) {
    std::string out;
    for (const char each : text) {
        switch (each) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            default: out += each;
        }
    }
    return out;
}

/// 1, 2 or 5 times a power of ten, some eight of them to the whole.
double tick_step(double whole) {
    const double raw = whole / 8, power = std::pow(10, std::floor(std::log10(raw)));
    for (const double factor : {1.0, 2.0, 5.0}) {
        if (power * factor >= raw) return power * factor;
    }
    return power * 10;
}

class painter {
public:
    explicit painter(const sim::prediction& what) : what_(what), whole_(std::max(to_seconds(what.took), 0.001) * 1.02) {
        for (const auto& each : what.lines) lines_.emplace(each.office, &each);
        for (const auto& each : what.insides) insides_.emplace(each.office, &each);
    }

    std::string paint() {
        const auto width = label_width + plot_width + right_width;
        notes();
        const auto height = head + row_height * static_cast<double>(what_.offices.size()) + 32 + note_height * static_cast<double>(notes_.size());
        out_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + number(width) + ' ' + number(height) + "\" width=\"" + number(width) + "\" height=\"" + number(height) +
               "\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n";
        text(12, 24, "Roll-out of " + size_text(what_.content_bytes) + ": " + (what_.complete ? "everybody has it after " : "not everybody has it; the last that has it after ") +
             duration_text(to_seconds(what_.took)), "font-size=\"16\" font-weight=\"bold\"");
        text(12, 42,
             "Area: what the office's clients have. Dashes: the ideal time. Strips: use of the line to the parent (orange) and of the air or LAN (violet).",
             "fill=\"#666\"");
        axis();
        double top = head;
        for (const auto& each : what_.offices) {
            row(each, top);
            top += row_height;
        }
        for (const auto& [words, style] : notes_) {
            text(12, top + 24, words, style);
            top += note_height;
        }
        out_ += "</svg>\n";
        return std::move(out_);
    }

private:
    void notes() {
        note("Bottleneck: " + what_.bottleneck.text + '.', "");
        for (const auto& each : what_.remedies) note("What would help: " + each.change + ": " + duration_text(to_seconds(each.took)) + '.', "fill=\"#1a6b34\"");
        if (!what_.no_advice.empty()) note("What would help: " + what_.no_advice + '.', "");
    }
    /// In as many lines as it takes.
    void note(const std::string& words, const std::string& style) {
        std::string line;
        std::istringstream stream(words);
        for (std::string word; stream >> word;) {
            if (!line.empty() && line.size() + 1 + word.size() > note_length) {
                notes_.emplace_back(std::move(line), style);
                line = "   ";
            }
            line += (line.empty() ? "" : " ") + word;
        }
        notes_.emplace_back(std::move(line), style);
    }
    [[nodiscard]] double x(double at) const { return label_width + std::clamp(at / whole_, 0.0, 1.0) * plot_width; }
    [[nodiscard]] double sample_x(std::size_t at) const { return x(static_cast<double>(at) * to_seconds(what_.sample_interval)); }

    void text(double at, double base, const std::string& words, const std::string& style) {
        out_ += "<text x=\"" + number(at) + "\" y=\"" + number(base) + "\" " + style + '>' + escaped(words) + "</text>\n";
    }
    void axis() {
        const auto bottom = head + row_height * static_cast<double>(what_.offices.size());
        for (double at = 0, step = tick_step(whole_); at <= whole_; at += step) {
            out_ += "<line x1=\"" + number(x(at)) + "\" y1=\"" + number(head - 8) + "\" x2=\"" + number(x(at)) + "\" y2=\"" + number(bottom) + "\" stroke=\"#e4e4e4\"/>\n";
            text(x(at), head - 12, duration_text(at), "text-anchor=\"middle\" fill=\"#666\"");
        }
    }
    void row(const sim::office_prediction& office, double top) {
        text(12 + 12 * office.depth, top + area_height - 4, office.office, "");
        area(office, top);
        if (const auto line = lines_.find(office.office); line != lines_.end()) strip(line->second->use, top + area_height + 1, "#d9822b");
        if (const auto inside = insides_.find(office.office); inside != insides_.end()) strip(inside->second->use, top + area_height + strip_height + 2, "#7b4fa3");
        if (office.ideal > duration::zero()) {
            out_ += "<line x1=\"" + number(x(to_seconds(office.ideal))) + "\" y1=\"" + number(top) + "\" x2=\"" + number(x(to_seconds(office.ideal))) + "\" y2=\"" + number(top + area_height) +
                    "\" stroke=\"#222\" stroke-dasharray=\"2,2\"/>\n";
        }
        auto says = std::to_string(office.complete) + " of " + std::to_string(office.clients);
        if (office.last) says += ", last " + duration_text(to_seconds(*office.last));
        text(label_width + plot_width + 10, top + area_height - 4, says, office.complete < office.clients ? "fill=\"#b00020\"" : "");
    }
    void area(const sim::office_prediction& office, double top) {
        const auto base = top + area_height;
        out_ += "<polygon fill=\"#4f81c7\" points=\"" + number(x(0)) + ',' + number(base);
        double last = x(0);
        for (std::size_t at = 0; at < office.share.size(); ++at) {
            last = sample_x(at);
            out_ += ' ' + number(last) + ',' + number(base - area_height * std::clamp(static_cast<double>(office.share[at]), 0.0, 1.0));
        }
        out_ += ' ' + number(last) + ',' + number(base) + "\"/>\n";
    }
    /// Neighbours of one shade are one rectangle.
    void strip(const std::vector<float>& use, double top, const std::string& colour) {
        constexpr int shades = 8;
        const auto shade = [&](std::size_t at) { return static_cast<int>(std::lround(static_cast<double>(use[at]) * shades)); };
        for (std::size_t at = 1; at < use.size();) {
            auto end = at + 1;
            while (end < use.size() && shade(end) == shade(at)) ++end;
            if (shade(at) > 0) {
                out_ += "<rect x=\"" + number(sample_x(at - 1)) + "\" y=\"" + number(top) + "\" width=\"" + number(sample_x(end - 1) - sample_x(at - 1)) + "\" height=\"" +
                        number(strip_height) + "\" fill=\"" + colour + "\" fill-opacity=\"" + number(static_cast<double>(shade(at)) / shades) + "\"/>\n";
            }
            at = end;
        }
    }

    const sim::prediction& what_;
    double whole_;
    std::map<std::string, const sim::line_prediction*> lines_;
    std::map<std::string, const sim::inside_prediction*> insides_;
    std::vector<std::pair<std::string, std::string>> notes_;   // text and style
    std::string out_;
};

}  // namespace

std::string picture_of(const sim::prediction& what) { return painter(what).paint(); }

}  // namespace p2pdist::tools
