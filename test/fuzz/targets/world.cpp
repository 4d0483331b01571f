// A simulated world whose shape, lines and faults are the input: whatever happens, when it is over everybody gets the content.

#include "p2pdist/office/spreadsheet.hpp"
#include "p2pdist/sim/world.hpp"
#include "support/fuzz_target.hpp"

using namespace p2pdist;
using namespace std::chrono_literals;

namespace {

class fault_schedule {
public:
    explicit fault_schedule(fuzz::fuzz_input& input) : input_(input), world_(options(input)) {
        const auto offices = world_.offices().offices();
        for (const auto& office : offices) names_.push_back(office.name);
        add_client(names_.front());   // the server sends contents to its own office only
        for (auto count = 1 + input_.below(3); count > 0; --count) add_client(names_[input_.below(names_.size())]);
    }

    void run() {
        world_.set_up();
        const auto content = world_.make_content("app", input_.flag() ? input_.below(3000) : chunk_bytes + input_.below(300'000),
                                                 input_.below(4) == 0 ? hash_kind::sha256 : hash_kind::sha256_tree);
        world_.publish(content);
        const auto begun = world_.now();
        auto last = begun;
        for (std::size_t i = 0; i < world_.clients(); ++i)
            world_.at(begun + std::chrono::milliseconds(50 * input_.below(64)), [this, i, &content] { world_.fetch({i}, content); });
        for (int faults = 0; !input_.empty() && faults < 16; ++faults) {
            const time_point from = begun + std::chrono::milliseconds(50 * input_.below(200));
            const time_point to = from + std::chrono::milliseconds(50 + 50 * input_.below(100));
            last = std::max(last, to);
            plan(from, to);
        }
        world_.run_for(last - begun + 4s);
        finish(content);
    }

private:
    static sim::world_options options(fuzz::fuzz_input& input) {
        std::string rows = "Office,Type,Parent,Subnet\nCentral,Default,,10.0.0.0/24\n";
        static constexpr const char* types[] = {"Default", "Default", "Wi-Fi", "VPN"};
        const auto shape = input.byte();
        rows += std::string("A,") + types[shape & 3] + ",Central,10.1.0.0/24\n";
        if ((shape & 4) != 0)
            rows +=
                std::string("B,") + types[shape >> 3 & 3] + ((shape & 3) < 2 && (shape & 0x20) != 0 ? ",A" : ",Central") + ",10.2.0.0/24\n";
        sim::world_options out(*parse_spreadsheet(rows));
        out.seed = input.byte();
        out.heartbeat = 20s;
        out.network.wan_down = out.network.wan_up =
            sim::line(static_cast<double>(2 + input.below(100)), std::chrono::milliseconds(1 + input.below(80)));
        out.network.wan_down.loss = out.network.wan_up.loss = 0.0002 * static_cast<double>(input.byte());
        out.network.wan_down.reorder = 0.0004 * static_cast<double>(input.byte());
        out.network.lan.loss = 0.0001 * static_cast<double>(input.below(64));
        out.events_per_second_max = 3'000'000;
        return out;
    }
    void add_client(const std::string& office) {
        sim::device what;
        what.office = office;
        world_.add_client(what);
    }
    void plan(time_point from, time_point to) {
        switch (input_.below(5)) {
            case 0:
            case 1: {
                const sim::client_index who{input_.below(world_.clients())};
                world_.at(from, [this, who] { world_.kill(who); });
                world_.at(to, [this, who] { world_.restart(who); });
                break;
            }
            case 2:
                world_.at(from, [this] { world_.kill_server(); });
                world_.at(to, [this] { world_.restart_server(); });
                break;
            default: {
                const auto name = names_[1 + input_.below(names_.size() - 1)];
                const bool down = input_.flag();
                world_.at(from, [this, name, down] { set_down(down ? world_.net().wan_down(name) : world_.net().wan_up(name), true); });
                world_.at(to, [this, name, down] { set_down(down ? world_.net().wan_down(name) : world_.net().wan_up(name), false); });
                break;
            }
        }
    }
    static void set_down(sim::link_model& line, bool down) {
        auto settings = line.settings();
        settings.down = down;
        line.change(settings);
    }
    /// Whoever was refused meanwhile asks again, as its user would.
    void finish(const sim::generated_content& content) {
        const auto complete = [&] {
            for (std::size_t i = 0; i < world_.clients(); ++i) {
                const auto* record = world_.fetch_of({i}, content.info());
                if (!record || !record->complete()) return false;
            }
            return true;
        };
        for (int rounds = 0; rounds < 100 && !world_.run_until(complete, 6s); ++rounds) {
            for (std::size_t i = 0; i < world_.clients(); ++i) {
                const auto* record = world_.fetch_of({i}, content.info());
                if (record && record->failure) world_.fetch({i}, content);
            }
        }
        fuzz::check(!world_.livelocked(), "the world spins");
        for (std::size_t i = 0; i < world_.clients(); ++i) tell_missing({i}, content.info());
        fuzz::check(complete(), "not everybody has the content");
        for (std::size_t i = 0; i < world_.clients(); ++i) fuzz::check(world_.has_right_bytes({i}, content),
                                                                       "a client has other bytes than were published");
    }

    void tell_missing(sim::client_index who, const content_info& content) {
        const auto* record = world_.fetch_of(who, content);
        if (record && record->complete()) return;
        const auto address = world_.address_of(who).to_string();
        const auto progress = world_.is_up(who) ? world_.core(who).progress(content.id) : std::nullopt;
        std::fprintf(stderr, "%s (%s)%s: %s\n", address.c_str(), world_.office_of(who).c_str(), world_.is_up(who) ? "" : " is down",
                     record && record->failure ? record->failure->message.c_str() : progress ? progress->reason.c_str() : "nothing begun");
    }

    fuzz::fuzz_input& input_;
    sim::world world_;
    std::vector<std::string> names_;
};

}  // namespace

P2PDIST_FUZZ_TARGET(world) { fault_schedule(input).run(); }
