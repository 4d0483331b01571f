// Somebody on the wire who sees all traffic and forges data frames, but has no key.
#include <catch2/catch.hpp>

#include <cstdlib>
#include <deque>
#include <map>

#include "p2pdist/base/random.hpp"
#include "p2pdist/wire/frame.hpp"
#include "sim/support.hpp"

using namespace p2pdist;
using namespace p2pdist::test;

namespace {

constexpr double forgeries_per_second = 1000;
constexpr duration wan_delay = 10ms;

enum class forgery : std::uint8_t {
    none,
    raced,     ///< header and tag of a frame that was just sent, another payload; arrives first
    late,      ///< the same, after the true one
    replayed,  ///< header and tag of an old frame, another payload
    invented,  ///< a header as it could be, and noise
    mixed,     ///< all of these
};

class forger {
public:
    forger(sim::world& w, forgery how, std::uint64_t seed) : w_(w), how_(how), random_(seed) {
        w_.net().watch([this](const sim::watched_datagram& seen) {
            if (seen.note.what == sim::datagram_note::kind::sent) on_sent(seen.note);
        });
    }
    std::uint64_t forged = 0;

private:
    struct frame {
        endpoint from, to;
        bytes header;
        std::size_t payload_bytes = 0;
    };

    void on_sent(const sim::datagram_note& note) {
        const auto type = frame_type_of(note.header);
        if (type != frame_type::data && type != frame_type::data_strict) return;
        if (how_ == forgery::none) return;
        frame seen{note.from, note.to, bytes(note.header.begin(), note.header.end()), note.payload_bytes - note.header.size()};
        if (seen.header.size() != data_overhead_bytes) return;
        if (random_.below(64) == 0) old_.push_back(seen);
        if (old_.size() > 100) old_.pop_front();
        // A thousand a second, not more than one for each frame that is seen.
        const auto now = w_.now();
        allowance_ = std::min(allowance_ + std::chrono::duration<double>(now - last_).count() * forgeries_per_second, 10.0);
        last_ = now;
        if (allowance_ < 1) return;
        allowance_ -= 1;
        ++forged;
        forge(how_ == forgery::mixed ? static_cast<forgery>(1 + random_.below(4)) : how_, std::move(seen));
    }

    void forge(forgery how, frame like) {
        // On every line at once, and past every queue; but not faster than light: what it sees in one office it can't know at once in another.
        const auto office = [&](const endpoint& who) { return w_.net().office_of(*w_.net().find(who.address)); };
        auto when = w_.now() + (office(like.from) == office(like.to) ? duration{} : wan_delay);
        if (how == forgery::replayed && !old_.empty()) like = old_[random_.below(old_.size())];
        if (how == forgery::late) when += 150ms;
        if (how == forgery::invented) {
            for (std::size_t i = 6; i < like.header.size(); ++i) like.header[i] = static_cast<std::uint8_t>(random_());
        }
        auto forged_frame = like.header;
        for (std::size_t i = 0; i < like.payload_bytes; ++i) forged_frame.push_back(static_cast<std::uint8_t>(random_()));
        w_.at(when, [this, from = like.from, to = like.to, forged_frame] { w_.net().inject(from, to, forged_frame); });
    }

    sim::world& w_;
    forgery how_;
    random_source random_;
    std::deque<frame> old_;
    double allowance_ = 0;
    time_point last_{};
};

struct outcome {
    double seconds = 0;
    std::uint64_t forged = 0;
    bool right = false;
    bool blamed = false;
    std::string missing;
};

/// Four clients in one branch and one in the centre fetch a content at once.
outcome roll_out(forgery how, std::uint64_t seed, std::uint64_t size, double lan_megabits, double wan_megabits) {
    auto options = demo_world::options_of(seed);
    options.network.lan = sim::line(lan_megabits, 50us, 5ms);
    options.network.wan_down = options.network.wan_up = sim::line(wan_megabits, wan_delay);
    bool blamed = false;
    options.log = log_sink(log_level::warning, [&](log_level, std::string_view line) {
        blamed = blamed || line.find("event=peer_blamed") != std::string_view::npos;
    });
    sim::world w(std::move(options));
    std::vector<sim::client_index> all{w.add_client({.office = "Central"})};
    for (int i = 0; i < 4; ++i) all.push_back(w.add_client({.office = "Boston"}));
    w.set_up();
    const auto content = w.make_content("app-1", size);
    w.publish(content);
    forger attacker(w, how, seed + 1000);
    const auto start = w.now();
    for (const auto who : all) w.fetch(who, content);
    outcome out;
    if (!w.run_until([&] { return w.all_fetched(); }, 10min)) out.missing = unfinished(w);
    out.seconds = std::chrono::duration<double>(w.now() - start).count();
    out.forged = attacker.forged;
    out.right = out.missing.empty();
    for (const auto who : all) out.right = out.right && w.has_right_bytes(who, content);
    out.blamed = blamed;
    return out;
}

struct line_speeds {
    double lan, wan;
    std::uint64_t size;
};

}  // namespace

TEST_CASE("forged data frames neither stop nor slow a transfer, and get nobody blamed", "[REQ-SEC-2][REQ-SEC-3]") {
    const bool all = std::getenv("P2PDIST_LONG_TESTS") != nullptr;
    const std::uint64_t seeds = all ? 10 : 1;
    for (const auto& speeds : {line_speeds{1000, 50, 24u << 20}, line_speeds{100, 100, 24u << 20}}) {
        std::map<forgery, double> seconds;
        for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
            for (const auto how : {forgery::none, forgery::raced, forgery::late, forgery::replayed, forgery::invented, forgery::mixed}) {
                if (!all && speeds.lan < 1000 && how != forgery::none && how != forgery::mixed) continue;
                CAPTURE(seed, static_cast<int>(how), speeds.lan, speeds.wan);
                const auto run = roll_out(how, seed, speeds.size, speeds.lan, speeds.wan);
                INFO(run.missing);
                CHECK(run.right);
                CHECK_FALSE(run.blamed);
                if (how != forgery::none) CHECK(static_cast<double>(run.forged) > 0.5 * forgeries_per_second * run.seconds);
                seconds[how] += run.seconds;
            }
        }
        for (const auto& [how, time] : seconds) {
            const double slower = 100 * (time / seconds[forgery::none] - 1);
            INFO("forgery " << static_cast<int>(how) << ", lan " << speeds.lan << ": slower by " << slower << " %");
            CHECK(slower < 10);
            if (all) WARN("forgery " << static_cast<int>(how) << ", lan " << speeds.lan << ": slower by " << slower << " %");
        }
    }
}
