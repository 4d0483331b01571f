#pragma once
// A script being played.

#include <map>
#include <memory>
#include <string>

#include "oracle_watch.hpp"
#include "p2pdist/sim/script.hpp"
#include "p2pdist/sim/world.hpp"
#include "script_rules.hpp"

namespace p2pdist::sim {

class script_run {
public:
    explicit script_run(const script& what, trace::line_sink lines);
    script_outcome run();

private:
    struct member {
        std::optional<client_index> client;   // none: a liar
        std::string office;
        bool stranger = false;                // speaks no version that the server speaks
    };
    using act = void (script_run::*)(const script_values&);
    [[nodiscard]] static const std::map<std::string_view, act>& acts();

    // Declaring (script_run.cpp).
    void take(const script_line& line, const matched_line& what);
    [[nodiscard]] world_options options();
    /// Whether a content lies there at first.
    [[nodiscard]] bool comes_from(std::string_view origin) const;
    void begin();
    void add(const script_values& what);
    void add_content(const script_values& what);
    void ask_again();

    // What people do, and what befalls devices and lines (script_acts.cpp).
    void fetch(const script_values& what);
    void import(const script_values& what);
    void kill(const script_values& what);
    void restart(const script_values& what);
    void sleep(const script_values& what);
    void stall(const script_values& what);
    void wake(const script_values& what);
    void drift(const script_values& what);
    void jump(const script_values& what);
    void wall(const script_values& what);
    void freeze(const script_values& what);
    void full(const script_values& what);
    void slow(const script_values& what);
    void failing(const script_values& what);
    void corrupt(const script_values& what);
    void move(const script_values& what);
    void cut(const script_values& what);
    void fade(const script_values& what);
    void block(const script_values& what);
    void drop(const script_values& what);
    void unplug(const script_values& what);
    void rival(const script_values& what);
    void run_for(const script_values& what);
    void expect(const script_values& what);

    // What is expected (script_expect.cpp).
    void expect_state(const script_values& what);
    void expect_bound(const script_values& what);
    void expect_took(const script_values& what);
    void expect_one_copy(const script_values& what);
    void expect_quiet();
    [[nodiscard]] std::function<bool()> condition(const script_values& what);
    [[nodiscard]] bool has(const member& who, const content_info& content);
    [[nodiscard]] bool counts(const member& who);
    [[nodiscard]] std::string state_of_all(const content_info& content);
    [[nodiscard]] double measure(const script_values& what);

    [[nodiscard]] member& member_of(const std::string& name);
    [[nodiscard]] client_index client_of(const std::string& name);
    [[nodiscard]] device_controls& controls_of(const std::string& name);
    [[nodiscard]] ip_address address_of(const std::string& name);
    [[nodiscard]] const generated_content& content_of(const std::string& name) { return contents_.at(name); }
    /// What a `for TIME` ends; without it, it lasts.
    void later(const script_values& what, std::function<void()> end);
    void fail(std::string_view broken, std::string why);

    const script& script_;
    trace::line_sink lines_;
    script_outcome out_;
    script_names names_;
    // What was declared before the world began.
    std::uint64_t seed_ = 1;
    script_values settings_;
    std::string spreadsheet_ = "Office,Type,Parent,Subnet\n";
    std::vector<std::string> offices_;
    network_options network_;
    std::vector<script_values> first_members_, first_contents_;
    bool insists_ = false, begun_ = false;

    std::unique_ptr<world> world_;
    std::unique_ptr<oracle_watch> watch_;
    std::map<std::string, member, std::less<>> members_;
    std::map<std::string, generated_content, std::less<>> contents_;
    std::map<std::string, int> refusals_;
    std::uint64_t rivals_ = 0;
    std::optional<time_point> first_ask_;
    time_point last_trouble_{};   // all that was scheduled is over
    std::map<link_model*, std::uint64_t> full_rates_;   // of lines that have faded
};

}  // namespace p2pdist::sim
