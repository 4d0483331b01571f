#pragma once
// Looks at a world again and again while a content rolls out: what each office has, and how much each line, LAN and air is used.

#include <map>
#include <string>
#include <vector>

#include "p2pdist/sim/prediction.hpp"

namespace p2pdist::sim {

class roll_out_recorder {
public:
    /// The first sample is now; the clients of `offices` will fetch. Everything outlives the recorder, and it the world's running.
    roll_out_recorder(world& of, const roll_out_plan& plan, content_info content, progress_sink progress);
    ~roll_out_recorder();
    roll_out_recorder(const roll_out_recorder&) = delete;
    roll_out_recorder& operator=(const roll_out_recorder&) = delete;

    /// A last sample; gives out the lines, the insides and the interval.
    void finish(prediction& out);
    [[nodiscard]] const std::vector<float>& share_of(const std::string& office) const { return offices_.at(office).shares; }
    /// Shares of the time from the beginning until `until` in which it was sending; 0 for an unknown office and one without a rate.
    [[nodiscard]] double down_use(const std::string& office, duration until) const;
    [[nodiscard]] double up_use(const std::string& office, duration until) const;
    /// Of the office's air, or of the LAN line of its host that was busiest by then.
    [[nodiscard]] double inside_use(const std::string& office, duration until) const;

private:
    using gauge = std::vector<double>;   // seconds of sending since the beginning, at each sample
    struct watched_line {
        link_counters down, up;                            // at the beginning
        std::uint64_t down_bytes = 0, up_bytes = 0;        // at the last sample
        gauge down_seconds, up_seconds;
    };
    struct watched_host {
        host_index host;
        std::uint64_t up_bytes = 0, down_bytes = 0;        // at the beginning
    };
    struct watched_inside {
        bool wireless = false;
        std::uint64_t bytes_per_second = 0, dropped = 0;
        duration air_busy{};                               // at the beginning
        std::vector<watched_host> hosts;
        gauge seconds;
    };
    struct watched_office {
        std::size_t clients = 0;
        std::vector<float> shares;
    };
    void watch_insides(const roll_out_plan& plan);
    void add_host(watched_inside& to, const ip_address& address);
    void sample();
    void sample_lines();
    void sample_insides();
    [[nodiscard]] std::uint64_t dropped_inside(const watched_inside& of, const std::string& office);
    [[nodiscard]] double got_share(const fetch_record& fetch) const;
    [[nodiscard]] double mean(const gauge& of, duration until) const;
    [[nodiscard]] std::vector<float> uses(const gauge& of) const;
    void sample_later();
    void thin_out();

    world& world_;
    content_info content_;
    progress_sink progress_;
    time_point begin_;
    duration interval_ = std::chrono::milliseconds(100), lasted_{};
    std::size_t samples_ = 0;
    std::map<std::string, watched_office> offices_;
    std::vector<watched_office*> office_of_client_;   // by client_index; null: does not fetch
    std::map<std::string, watched_line> lines_;
    std::map<std::string, watched_inside> insides_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);   // what was put into the world's calendar may outlive this
};

}  // namespace p2pdist::sim
