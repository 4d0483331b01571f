// How fast the simulated world is, and how much memory it takes: wide roll-outs, and steady transfers.

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "p2pdist/office/spreadsheet.hpp"
#include "p2pdist/sim/world.hpp"

using namespace p2pdist;
using namespace std::chrono_literals;

namespace {

struct options {
    int clients = 1000;
    int offices = 50;
    std::uint64_t bytes = 4 << 20;
    bool json = false;
    bool real_crypto = false;
    double megabits = 50;
};

/// A central office, a tenth of the others below it, and the rest below these.
topology offices_of(int count) {
    std::string sheet = "Office,Type,Parent,Subnet\nCentral,Default,,10.0.0.0/16\n";
    const int regions = std::max(1, count / 10);
    for (int i = 1; i < count; ++i) {
        const auto parent = i <= regions ? std::string("Central") : "Office " + std::to_string((i - 1) % regions + 1);
        sheet += "Office " + std::to_string(i) + ",Default," + parent + ",10." + std::to_string(i / 250 + 1) + "." + std::to_string(i % 250) + ".0/24\n";
    }
    return *parse_spreadsheet(sheet);
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double peak_megabytes() {
    rusage use{};
    getrusage(RUSAGE_SELF, &use);
    return static_cast<double>(use.ru_maxrss) / 1024;
}

struct figures {
    double wall_seconds = 0, simulated_seconds = 0;
    std::uint64_t events = 0, datagrams = 0;
};

/// What a world does from its construction on.
class stretch {
public:
    explicit stretch(sim::world& w) : world_(w), at_(w.now()), events_(w.events()), datagrams_(w.net().ledger().delivered) {}
    [[nodiscard]] figures so_far() const {
        return {seconds_since(begin_), std::chrono::duration<double>(world_.now() - at_).count(), world_.events() - events_,
                world_.net().ledger().delivered - datagrams_};
    }

private:
    sim::world& world_;
    time_point at_;
    std::uint64_t events_, datagrams_;
    std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

void report(const options& what, const char* name, const sim::world& w, bool complete, const figures& got) {
    if (what.json) {
        std::printf("{\"scenario\": \"%s\", \"clients\": %zu, \"offices\": %d, \"bytes\": %llu, \"megabits\": %g, \"complete\": %s, "
                    "\"wall_seconds\": %.3f, \"simulated_seconds\": %.3f, \"events\": %llu, \"datagrams\": %llu, \"peak_megabytes\": %.1f}\n",
                    name, w.clients(), what.offices, static_cast<unsigned long long>(what.bytes), what.megabits, complete ? "true" : "false",
                    got.wall_seconds, got.simulated_seconds, static_cast<unsigned long long>(got.events),
                    static_cast<unsigned long long>(got.datagrams), peak_megabytes());
    } else {
        std::printf("%-9s %6zu clients %4d offices: %s, %8.2f s wall, %8.2f s simulated (%.1f a second), %.2f M datagrams (%.0f ns each), %.0f MB\n",
                    name, w.clients(), what.offices, complete ? "complete" : "NOT COMPLETE", got.wall_seconds, got.simulated_seconds,
                    got.simulated_seconds / got.wall_seconds, static_cast<double>(got.datagrams) * 1e-6,
                    got.wall_seconds * 1e9 / static_cast<double>(got.datagrams), peak_megabytes());
    }
    std::fflush(stdout);
}

bool roll_out(const options& what, const char* name, duration limit) {
    sim::world_options made(offices_of(what.offices));
    made.fast_crypto = !what.real_crypto;
    made.network.wan_down = made.network.wan_up = sim::line(what.megabits, 10ms);
    sim::world w(made);
    for (int i = 0; i < what.clients; ++i) w.add_client({.office = w.offices().offices()[static_cast<std::size_t>(i % what.offices)].name});
    const stretch beginning(w);
    w.set_up();
    report(what, "set-up", w, true, beginning.so_far());
    const auto content = w.make_content("package", what.bytes);
    w.publish(content);
    const stretch whole(w);
    for (std::size_t i = 0; i < w.clients(); ++i) w.fetch({i}, content);
    const bool done = w.run_until([&] { return w.all_fetched(); }, limit);
    report(what, name, w, done, whole.so_far());
    return done;
}

}  // namespace

int main(int count, char** arguments) {
    options what;
    bool tiny = false, steady = true, wide = true;
    for (int i = 1; i < count; ++i) {
        const std::string_view text = arguments[i];
        const auto value = [&] { return i + 1 < count ? std::strtoull(arguments[++i], nullptr, 10) : 0; };
        if (text == "--json") what.json = true;
        else if (text == "--tiny") tiny = true;
        else if (text == "--clients") what.clients = static_cast<int>(value());
        else if (text == "--offices") what.offices = static_cast<int>(value());
        else if (text == "--bytes") what.bytes = value();
        else if (text == "--steady") wide = false;
        else if (text == "--wide") steady = false;
        else if (text == "--real-crypto") what.real_crypto = true;
        else if (text == "--megabits") what.megabits = static_cast<double>(value());
        else {
            std::cerr << "bench_world [--json] [--tiny] [--wide | --steady] [--clients N] [--offices N] [--bytes N] [--megabits N] [--real-crypto]\n";
            return 2;
        }
    }
    if (tiny) {
        what.clients = 6;
        what.offices = 3;
        what.bytes = 1 << 20;
    }
    bool good = true;
    if (wide) good = roll_out(what, "roll-out", 30min);
    if (steady) {
        // Lines of 50 Mbit/s that are busy all the time.
        what.clients = tiny ? 5 : 50;
        what.offices = 5;
        what.bytes = tiny ? 2 << 20 : 256 << 20;
        good = roll_out(what, "steady", 30min) && good;
    }
    return good ? 0 : 1;
}
