#pragma once
// Looks at a world again and again while a content rolls out: what each office has, and how much each line is used.

#include <map>
#include <string>
#include <vector>

#include "p2pdist/sim/prediction.hpp"

namespace p2pdist::sim {

class roll_out_recorder {
public:
    /// The first sample is now; the clients of `offices` will fetch. Everything outlives the recorder, and it the world's running.
    roll_out_recorder(world& of, const std::vector<std::string>& offices, content_info content);
    ~roll_out_recorder();
    roll_out_recorder(const roll_out_recorder&) = delete;
    roll_out_recorder& operator=(const roll_out_recorder&) = delete;

    /// A last sample; gives out the lines and the interval.
    void finish(prediction& out);
    [[nodiscard]] const std::vector<float>& share_of(const std::string& office) const { return offices_.at(office).shares; }
    /// Of the line's rate, from the beginning until `until`.
    [[nodiscard]] double mean_use(const line_prediction& line, duration until) const;

private:
    struct watched_line {
        std::string office;
        link_counters down, up;                            // at the beginning
        std::vector<std::uint64_t> down_bytes, up_bytes;   // since then, at each sample
    };
    struct watched_office {
        std::size_t clients = 0;
        std::vector<float> shares;
    };
    void sample();
    [[nodiscard]] double got_share(const fetch_record& fetch) const;
    void sample_later();
    void thin_out();

    world& world_;
    content_info content_;
    time_point begin_;
    duration interval_ = std::chrono::milliseconds(100);
    std::size_t samples_ = 0;
    std::map<std::string, watched_office> offices_;
    std::vector<watched_office*> office_of_client_;   // by client_index; null: does not fetch
    std::vector<watched_line> lines_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);   // what was put into the world's calendar may outlive this
};

}  // namespace p2pdist::sim
