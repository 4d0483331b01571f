#include "random_script.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "p2pdist/base/random.hpp"
#include "p2pdist/content/chunk_geometry.hpp"
#include "script_rules.hpp"

namespace p2pdist::sim {
namespace {

using namespace std::chrono_literals;

std::string decimal(double value) {
    char text[40];
    std::snprintf(text, sizeof text, "%.4f", value);
    std::string out = text;
    while (out.ends_with('0')) out.pop_back();
    if (out.ends_with('.')) out.pop_back();
    return out;
}

/// Draws the statements one after another; two draws never in one call's arguments, whose order is the compiler's.
class drawing {
public:
    explicit drawing(std::uint64_t seed) : random_(seed), seed_(seed) {}

    script run() {
        trouble_ = random_.below(3);
        say({"seed", std::to_string(seed_)});
        draw_offices();
        draw_clients();
        draw_content();
        if (trouble_ == 2) say_first({"insist"});
        draw_asks();
        if (trouble_ > 0 && one_in(3)) draw_rivals();
        if (trouble_ == 2) draw_faults();
        say({"run", write_time(last_ + 1ms)});
        say({"expect", "everybody", "has", "app-1", "within", write_time(budget())});
        if (trouble_ == 0) say({"expect", "one-copy", "app-1"});
        if (!liar_) say({"expect", "quiet"});   // a liar never rests
        return std::move(out_);
    }

private:
    void say(std::vector<std::string> words) { out_.lines.push_back({0, std::nullopt, std::move(words)}); }
    void say_first(std::vector<std::string> words) { out_.lines.insert(out_.lines.begin() + 1, script_line{0, std::nullopt, std::move(words)}); }
    void say_after(duration when, std::vector<std::string> words) { out_.lines.push_back({0, when, std::move(words)}); }

    [[nodiscard]] std::chrono::milliseconds between(std::chrono::milliseconds low, std::chrono::milliseconds high) {
        return low + std::chrono::milliseconds(random_.below(static_cast<std::uint64_t>((high - low).count())));
    }
    [[nodiscard]] bool one_in(std::uint64_t count) { return random_.below(count) == 0; }
    [[nodiscard]] std::string share(double most) { return decimal(most * random_.unit()); }
    [[nodiscard]] const std::string& any(const std::vector<std::string>& from) { return from[random_.below(from.size())]; }

    void draw_offices() {
        const auto speeds = one_in(2) ? "100" : "1000";
        std::vector<std::string> of_all = {"world", "heartbeat=20s", std::string("lan=") + speeds, "lan-delay=" + std::to_string(50 + random_.below(500)) + "us"};
        if (trouble_ > 0) of_all.push_back("lan-loss=" + share(0.01));
        if (one_in(4)) {
            of_all.push_back("versions=1-2");   // the server comes first
            mixed_ = true;
        }
        say(std::move(of_all));
        const auto count = one_in(8) ? 5 + random_.below(4) : 2 + random_.below(3);
        std::vector<std::string> parents;
        for (std::uint64_t i = 0; i < count; ++i) {
            const auto name = i == 0 ? std::string("Central") : "Office" + std::to_string(i);
            std::vector<std::string> words = {"office", name};
            const auto draw = random_.below(8);
            if (i > 0 && draw <= 2) words.emplace_back(draw == 0 ? "vpn" : "wi-fi");
            if (i > 0) words.insert(words.end(), {"below", any(parents)});
            draw_line(words);
            say(std::move(words));
            offices_.push_back(name);
            if (i == 0 || draw > 2) parents.push_back(name);
        }
    }
    void draw_line(std::vector<std::string>& words) {
        const auto share_of_most = random_.unit();
        const auto mbits = 2.0 + 98.0 * share_of_most * random_.unit();
        slowest_mbits_ = std::min(slowest_mbits_, mbits);
        words.push_back("down=" + decimal(mbits));
        words.push_back("up=" + decimal(mbits * (0.2 + 0.8 * random_.unit())));
        words.push_back("delay=" + write_time(between(1ms, 80ms)));
        words.push_back("queue=" + write_time(between(30ms, 300ms)));
        if (one_in(4)) words.emplace_back(one_in(2) ? "aqm=codel" : "aqm=fq_codel");
        if (trouble_ == 0) return;
        words.insert(words.end(), {"loss=" + share(0.05), "reorder=" + share(0.1), "duplicate=" + share(0.02), "jitter=" + write_time(between(0ms, 5ms))});
        if (one_in(4)) words.push_back("bursts=" + share(0.003));
        if (one_in(6)) words.push_back("fades=" + write_time(between(1s, 20s)));
        if (one_in(8)) words.push_back("policer=" + decimal(mbits * (0.5 + 0.5 * random_.unit())));
    }

    /// Mostly a dozen devices, now and then up to fifty.
    void draw_clients() {
        const std::uint64_t most = one_in(6) ? 50 : 12;
        const std::uint64_t of_office = most == 50 ? 12 : 4;
        for (const auto& office : offices_) {
            const auto members = 1 + random_.below(of_office);
            for (std::uint64_t i = 0; i < members && clients_.size() < most; ++i) {
                const auto name = "c" + std::to_string(clients_.size());
                std::vector<std::string> words = {"add", name, office};
                if (mixed_ && one_in(2)) words.emplace_back(one_in(2) ? "versions=1-2" : "versions=1-1");
                say(std::move(words));
                clients_.push_back(name);
            }
        }
        if (trouble_ == 2 && one_in(8)) say({"add", "stranger", any(offices_), "versions=3-4"});
        liar_ = trouble_ == 2 && one_in(4);
        if (liar_) say({"add", "liar", any(offices_), "liar=" + std::to_string(random_.below(1'000'000))});
    }

    void draw_content() {
        const auto most = std::min<std::uint64_t>(4u << 20, (20u << 20) / clients_.size());
        switch (random_.below(8)) {
            case 0: size_ = random_.below(3); break;
            case 1: size_ = chunk_bytes - 1 + random_.below(3); break;
            default: size_ = 1 + random_.below(most);
        }
        const auto draw = random_.below(10);
        std::vector<std::string> words = {"content", "app-1", std::to_string(size_)};
        if (one_in(7)) words.emplace_back("sha256");
        // Who holds it at first is in the central office: everybody else is below.
        words.insert(words.end(), {"from", draw < 6 ? "server" : draw < 8 ? "c0" : draw == 8 ? "cdn" : "file_store"});
        held_ = draw >= 6 && draw < 8;
        say(std::move(words));
    }

    void draw_asks() {
        for (const auto& who : clients_) {
            const auto when = between(0ms, 10s);
            last_ = std::max<duration>(last_, when);
            say_after(when, {"fetch", who, "app-1"});
        }
    }

    /// Other people's traffic, which ends some time.
    void draw_rivals() {
        static constexpr const char* kinds[] = {"cubic", "reno", "bbr", "bbr3", "web", "constant", "on_off"};
        for (auto count = 1 + random_.below(3); count > 0; --count) {
            const auto& office = branch();
            const bool up = one_in(4);
            std::vector<std::string> words = {"rival", kinds[random_.below(std::size(kinds))], up ? office : offices_.front(), up ? offices_.front() : office};
            words.insert(words.end(), {"at", decimal(0.5 + 30 * random_.unit())});
            const auto lasts = between(1s, 30s);
            fault(between(0ms, 10s), lasts, std::move(words));
        }
    }

    /// Every seed has its own mix: a few kinds out of all, each some times.
    void draw_faults() {
        using draw = void (drawing::*)(duration, duration);
        static constexpr draw kinds[] = {&drawing::death,     &drawing::death, &drawing::server_death, &drawing::pause, &drawing::clock, &drawing::disk,
                                         &drawing::partition, &drawing::host,  &drawing::weather,      &drawing::move};
        std::vector<draw> mix;
        for (auto count = 1 + random_.below(4); count > 0; --count) mix.push_back(kinds[random_.below(std::size(kinds))]);
        const auto faults = 1 + random_.below(2 + clients_.size() / 2);
        for (std::uint64_t i = 0; i < faults; ++i) {
            const auto when = between(0ms, 20s);
            const auto lasts = one_in(8) ? between(20s, 90s) : between(100ms, 20s);
            (this->*mix[random_.below(mix.size())])(when, lasts);
        }
    }
    void fault(duration when, duration lasts, std::vector<std::string> words) {
        last_ = std::max(last_, when + lasts);
        words.insert(words.end(), {"for", write_time(lasts)});
        say_after(when, std::move(words));
    }
    void fault(duration when, std::vector<std::string> words) {
        last_ = std::max(last_, when);
        say_after(when, std::move(words));
    }
    /// Anybody but the one who may be the only one to have it.
    [[nodiscard]] const std::string& anybody() { return any(clients_); }
    [[nodiscard]] std::string anything() { return one_in(5) ? std::string("server") : anybody(); }
    [[nodiscard]] const std::string& branch() { return offices_[1 + random_.below(offices_.size() - 1)]; }

    void death(duration when, duration lasts) {
        const auto& who = anybody();
        // Some never come back, but who may be the only one to hold the content.
        if (one_in(6) && who != "c0") return fault(when, {"kill", who});
        fault(when, lasts, {"kill", who});
    }
    void server_death(duration when, duration lasts) { fault(when, lasts, {"kill", "server"}); }
    void pause(duration when, duration lasts) { fault(when, lasts, {one_in(2) ? "sleep" : "stall", anything()}); }
    void clock(duration when, duration lasts) {
        const auto who = anything();
        switch (random_.below(4)) {
            case 0: return fault(when, {"drift", who, std::to_string(static_cast<std::int64_t>(random_.below(100'001)) - 50'000)});
            case 1: return fault(when, {"jump", who, write_time(between(1ms, one_in(2) ? 2s : 600s))});
            case 2: return fault(when, {"wall", who, std::to_string(static_cast<std::int64_t>(random_.below(2001)) - 1000)});
            default: return fault(when, lasts, {"freeze", who});
        }
    }
    void disk(duration when, duration lasts) {
        const auto who = anything();
        switch (random_.below(4)) {
            case 0:
                if (one_in(6) && who != "c0" && who != "server") return fault(when, {"full", who});
                return fault(when, lasts, {"full", who});
            case 1: return fault(when, lasts, {"slow", who, std::to_string(2 + random_.below(200))});
            case 2: return fault(when, lasts, {"failing", who, share(0.5)});
            default: return held_ && who == "c0" ? pause(when, lasts) : fault(when, lasts, {"corrupt", who, share(0.3)});
        }
    }
    void partition(duration when, duration lasts) {
        static constexpr const char* ways[] = {"up", "down", "both"};
        if (one_in(2)) return fault(when, lasts, {"cut", branch(), ways[random_.below(3)]});
        const auto from = any(offices_), to = any(offices_);
        if (from == to) return fault(when, lasts, {"cut", branch(), "both"});
        fault(when, lasts, {"block", from, to});
        if (one_in(2)) fault(when, lasts, {"block", to, from});
    }
    void host(duration when, duration lasts) {
        if (one_in(2)) return fault(when, lasts, {"unplug", anything()});
        const auto from = anything(), to = anything();
        if (from != to) fault(when, lasts, {"drop", from, "->", to});
    }
    void weather(duration when, duration lasts) { fault(when, lasts, {"fade", branch(), decimal(0.02 + 0.5 * random_.unit())}); }
    /// The first one stays: a content that only it holds can't be fetched from a lower office.
    void move(duration when, duration) {
        const auto& who = anybody();
        if (who != "c0") fault(when, {"move", who, any(offices_)});
    }

    /// Generous: what is found is that something stands still, not that it is slow.
    [[nodiscard]] duration budget() const {
        const auto copy_seconds = static_cast<std::int64_t>(std::ceil(static_cast<double>(size_) * 8 / (slowest_mbits_ * 1e6)));
        return (liar_ ? 20min : 10min) + std::chrono::seconds(40 * copy_seconds);
    }

    random_source random_;
    std::uint64_t seed_;
    script out_;
    std::uint64_t trouble_ = 0, size_ = 0;
    bool mixed_ = false, held_ = false, liar_ = false;
    double slowest_mbits_ = 1000;
    duration last_{};
    std::vector<std::string> offices_, clients_;
};

}  // namespace

script make_random_script(std::uint64_t seed) { return drawing(seed).run(); }

}  // namespace p2pdist::sim
