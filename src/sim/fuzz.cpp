#include "p2pdist/sim/fuzz.hpp"

#include <exception>

#include "fuzz_plan.hpp"
#include "p2pdist/base/limits.hpp"
#include "p2pdist/wire/frame.hpp"

namespace p2pdist::sim {
namespace {

constexpr int refusals_max = 5;   // of one client, after the last fault

class fuzz_run {
public:
    fuzz_run(std::uint64_t seed, trace::line_sink lines) : plan_(seed), world_(options(seed, std::move(lines))) {}

    fuzz_outcome run() {
        fuzz_outcome out;
        try {
            roll_out();
        } catch (const std::exception& failure) {
            fail(failure.what());
        }
        if (world_.livelocked()) fail("livelock: too many events in one simulated second");
        out.failure = failure_;
        out.world = plan_.text();
        out.trace_hash = world_.trace_hash();
        out.events = world_.events();
        out.simulated = world_.now() - event_queue::start_time;
        return out;
    }

private:
    world_options options(std::uint64_t seed, trace::line_sink lines) const {
        auto out = plan_.options(seed);
        out.trace_lines = std::move(lines);
        return out;
    }

    void fail(std::string why) {
        if (failure_.empty()) failure_ = std::move(why);
    }

    void roll_out() {
        world_.net().watch([this](const watched_datagram& seen) { inspect(seen.note); });
        for (const auto& office : plan_.client_offices) {
            device what;
            what.office = office;
            what.file_store = plan_.from == fuzz_plan::origin::file_store;
            world_.add_client(what);
        }
        world_.set_up();
        const auto content = world_.make_content("app-1", plan_.size_bytes, plan_.kind);
        placement_choice where;
        where.server_file_store = plan_.from == fuzz_plan::origin::server;
        where.cdn = plan_.from == fuzz_plan::origin::cdn;
        where.file_store = plan_.from == fuzz_plan::origin::file_store;
        world_.publish(content, where);
        if (plan_.from == fuzz_plan::origin::holder) {
            world_.import({0}, content);
            world_.run_for(std::chrono::seconds(5));
        }
        schedule(content);
        world_.run_for(plan_.last_fault() + std::chrono::milliseconds(1));
        finish(content);
        if (failure_.empty() && plan_.with == fuzz_plan::trouble::none) check_copies(content);
    }

    void schedule(const generated_content& content) {
        const auto start = world_.now();
        for (std::size_t i = 0; i < plan_.asks.size(); ++i) {
            world_.at(start + plan_.asks[i], [this, i, &content] { world_.fetch({i}, content); });
        }
        for (const auto& fault : plan_.faults) {
            world_.at(start + fault.at, [this, fault] { fault.client ? world_.kill({*fault.client}) : world_.kill_server(); });
            world_.at(start + fault.at + fault.back_after, [this, fault] {
                if (fault.client) world_.restart({*fault.client});
                else world_.restart_server();
            });
        }
    }

    /// Whoever was refused asks again, as its user would.
    void finish(const generated_content& content) {
        const auto end = world_.now() + plan_.budget();
        std::vector<int> refusals(world_.clients());
        while (!world_.livelocked() && world_.now() < end) {
            if (world_.run_until([&] { return complete(content); }, std::chrono::seconds(2))) break;
            for (std::size_t i = 0; i < world_.clients(); ++i) {
                const auto* record = world_.fetch_of({i}, content.info());
                if (!record || !record->failure) continue;
                if (++refusals[i] > refusals_max) return fail(world_.address_of({i}).to_string() + " is refused again and again: " + record->failure->message);
                world_.fetch({i}, content);
            }
        }
        if (!complete(content)) return fail("not everybody has the content in time: " + missing(content));
        for (std::size_t i = 0; i < world_.clients(); ++i) {
            if (!world_.has_right_bytes({i}, content)) fail(world_.address_of({i}).to_string() + " has other bytes than were published");
        }
    }

    bool complete(const generated_content& content) const {
        for (std::size_t i = 0; i < world_.clients(); ++i) {
            const auto* record = world_.fetch_of({i}, content.info());
            if (!record || !record->complete()) return false;
        }
        return true;
    }

    std::string missing(const generated_content& content) {
        std::string out;
        for (std::size_t i = 0; i < world_.clients(); ++i) {
            const auto* record = world_.fetch_of({i}, content.info());
            if (record && record->complete()) continue;
            out += world_.address_of({i}).to_string();
            const auto progress = world_.is_up({i}) ? world_.core({i}).progress(content.info().id) : std::nullopt;
            if (progress) out += " (" + std::string(to_string(progress->state)) + ", " + std::to_string(progress->verified_bytes) + " bytes, " + progress->reason + ")";
            out += ' ';
        }
        return out;
    }

    void check_copies(const generated_content& content) {
        constexpr double overhead = 1.1;
        constexpr double small = 256 * 1024;   // messages of many clients, beside a content that may be tiny
        const auto size = static_cast<double>(content.info().size_bytes);
        for (const auto& wan : world_.wans()) {
            if (!world_.offices().shares(*world_.offices().find(wan.office))) continue;
            if (static_cast<double>(wan.down.data_bytes) > overhead * size + small)
                fail(std::to_string(wan.down.data_bytes) + " bytes of data went to " + wan.office + ", of a content of " + std::to_string(content.info().size_bytes));
        }
        const auto read = world_.fallback_bytes(source_kind::cdn) + world_.fallback_bytes(source_kind::file_store);
        if (static_cast<double>(read) > overhead * size + small) fail(std::to_string(read) + " bytes were read from the fallback source");
    }

    void inspect(const datagram_note& note) {
        if (note.what != datagram_note::kind::sent) return;
        if (note.payload_bytes > limits::datagram_bytes_max) fail("a datagram of " + std::to_string(note.payload_bytes) + " bytes");
        const auto type = frame_type_of(note.header);
        const port_plan ports;
        const bool content_port = note.to.port == ports[port_use::content_fg] || note.to.port == ports[port_use::content_bg];
        if (!content_port || (type != frame_type::data && type != frame_type::data_strict)) return;
        const auto& offices = world_.offices();
        const auto from = *offices.office_of(note.from.address);
        const auto to = *offices.office_of(note.to.address);
        const bool server = note.from.address == world_.server_address();
        if (server ? to != offices.central() : !offices.shares(from) || !offices.is_ancestor_or_self(from, to))
            fail("content from " + note.from.to_string() + " to " + note.to.to_string() + ", against the hierarchy");
    }

    fuzz_plan plan_;
    world world_;
    std::string failure_;
};

}  // namespace

fuzz_outcome run_random_world(std::uint64_t seed, trace::line_sink lines) { return fuzz_run(seed, std::move(lines)).run(); }

}  // namespace p2pdist::sim
