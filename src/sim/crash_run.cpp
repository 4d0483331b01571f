// Small worlds whose processes die at any moment, and the list of promises that must hold then.

#include <algorithm>
#include <exception>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "p2pdist/office/spreadsheet.hpp"
#include "p2pdist/sim/fuzz.hpp"
#include "p2pdist/sim/world.hpp"

namespace p2pdist::sim {
namespace {

using namespace std::chrono_literals;

constexpr int attempts_max = 40;   // of an administrator whose server dies under him
constexpr std::size_t central_clients = 2, branch_clients = 1;

duration up_to(random_source& random, duration most) { return duration(static_cast<duration::rep>(random.below(static_cast<std::uint64_t>(most.count())))); }

std::string offices_text(std::uint64_t version) {
    std::string text = "Office,Type,Parent,Subnet\nCentral,Default,,10.0.0.0/24\nBranch,Default,Central,10.1.0.0/24\n";
    if (version > 0) text += "Empty" + std::to_string(version) + ",Default,Central,10.9.0.0/24\n";
    return text;
}

world_options options_of(random_source& random, std::uint64_t seed, trace::line_sink lines) {
    world_options out(*parse_spreadsheet(offices_text(0)));
    out.seed = seed;
    out.trace_lines = std::move(lines);
    out.heartbeat = 10s;
    out.events_per_second_max = 1'000'000;
    // Slow enough that a crash often comes between a request and its being durable.
    out.catalogue.commit_delay = 1ms + up_to(random, 150ms);
    out.disk.sync_latency = 1ms + up_to(random, 150ms);
    out.disk.latency = 100us + up_to(random, 20ms);
    return out;
}

class crash_run {
public:
    crash_run(std::uint64_t seed, trace::line_sink lines) : random_(seed ^ 0x637261736865), world_(options_of(random_, seed, std::move(lines))) {}

    fuzz_outcome run() {
        fuzz_outcome out;
        try {
            live();
        } catch (const std::exception& failure) {
            fail(failure.what());
        }
        if (world_.livelocked()) fail("livelock: too many events in one simulated second");
        out.failure = failure_;
        if (!failure_.empty()) out.broken = "promise";
        out.world = std::to_string(kills_) + " crashes, " + std::to_string(contents_.size()) + " contents";
        out.trace_hash = world_.trace_hash();
        out.events = world_.events();
        out.simulated = world_.now() - event_queue::start_time;
        return out;
    }

private:
    void fail(std::string why) {
        if (failure_.empty()) failure_ = std::move(why);
    }
    void must(bool holds, const std::string& what) {
        if (!holds) fail(what);
    }
    [[nodiscard]] std::string name_of(client_index who) const { return world_.address_of(who).to_string(); }

    // ---- what happens

    void live() {
        for (std::size_t i = 0; i < central_clients; ++i) world_.add_client({.office = "Central"});
        for (std::size_t i = 0; i < branch_clients; ++i) world_.add_client({.office = "Branch"});
        world_.start();
        crash_soon();
        ask(activate_request{"SIMULATED-LICENCE", 10}, "activating");
        import_topology();
        crash_soon();
        must(world_.run_until([&] { return everybody_is_in(); }, 5min), "not everybody registered");
        const auto steps = 3 + random_.below(4);
        for (std::uint64_t step = 0; step < steps && failure_.empty(); ++step) {
            for (auto crashes = random_.below(3); crashes > 0; --crashes) crash_soon();
            act();
            world_.run_for(up_to(random_, 1s));
        }
        world_.run_for(4s);   // all that died is back
        finish();
    }

    void act() {
        switch (contents_.empty() ? 0 : random_.below(6)) {
            case 0: return publish();
            case 1: return import_topology();
            case 2: return set();
            case 3: return import();
            default: return fetch();
        }
    }
    void publish() {
        const auto id = "app-" + std::to_string(contents_.size());
        const auto kind = random_.below(6) == 0 ? hash_kind::sha256 : hash_kind::sha256_tree;
        contents_.push_back(world_.make_content(id, random_.below(4) == 0 ? random_.below(3000) : random_.below(5 * chunk_bytes), kind));
        const auto& content = contents_.back();
        world_.place(content);
        ask(publish_request{{content.info()}}, "publishing");
        published_.insert(content.info().id);
        check_server();
    }
    void import_topology() {
        const auto text = offices_text(++topologies_);
        const auto reply = ask(topology_import_request{text, false}, "importing a topology");
        const auto* imported = reply ? std::get_if<topology_import_reply>(&*reply) : nullptr;
        if (!imported || !imported->imported) return fail("a good topology was not imported");
        topology_version_ = std::max(topology_version_, imported->version);
        must(world_.catalogue().topology.version == imported->version &&
                 parse_spreadsheet(world_.catalogue().topology.spreadsheet)->offices() == parse_spreadsheet(text)->offices(),
             "an imported topology is not in the database");
    }
    void set() {
        const auto former = setting_;
        setting_ = std::to_string(1 + random_.below(1000)) + " MiB";
        former_setting_ = former;  // until it is acknowledged, either may be there
        ask(settings_set_request{std::string(fallback_rate_setting), setting_}, "setting");
        former_setting_ = setting_;
        check_server();
    }
    void import() {
        const auto& content = any_content();
        const client_index who{random_.below(world_.clients())};
        if (world_.is_up(who) && content.info().hash.kind == hash_kind::sha256_tree) world_.import(who, content);
    }
    void fetch() {
        const auto& content = any_content();
        const client_index who{random_.below(world_.clients())};
        const auto name = content.info().id.text();
        if (asked_.emplace(who, name).second) world_.fetch(who, content, "/out/" + name);
    }
    const generated_content& any_content() { return contents_[random_.below(contents_.size())]; }

    /// Somebody dies within a moment, and comes back some time later.
    void crash_soon() {
        const auto who = random_.below(world_.clients() + 2);
        const auto when = world_.now() + up_to(random_, 600ms);
        const auto back = when + 10ms + up_to(random_, 2s);
        ++kills_;
        if (who < world_.clients()) {
            world_.at(when, [this, who] { kill({who}); });
            world_.at(back, [this, who] { world_.restart({who}); });
        } else {
            world_.at(when, [this] { kill_server(); });
            world_.at(back, [this] { world_.restart_server(); });
        }
    }
    void kill(client_index who) {
        world_.kill(who);
        check_disk(who);
    }
    void kill_server() {
        check_holdings();
        world_.kill_server();
        check_server();
        check_holdings();
    }

    /// As an administrator who does not give up.
    std::optional<message_body> ask(const message_body& request, const std::string& what) {
        for (int attempt = 0; attempt < attempts_max; ++attempt) {
            auto answer = world_.ask(request, 20s);
            if (answer) return *answer;
            if (answer.error().code == errc::already_exists || answer.error().code == errc::invalid_argument) return fail(what + ": " + answer.error().message), std::nullopt;
            world_.run_for(500ms);
        }
        fail(what + " is not answered");
        return std::nullopt;
    }

    // ---- what must hold

    [[nodiscard]] bool everybody_is_in() {
        for (std::size_t i = 0; i < world_.clients(); ++i) {
            if (!world_.is_up({i})) return false;
            const auto status = world_.core({i}).status();
            if (!status.registered || !status.activated || status.office != world_.office_of({i})) return false;
        }
        return true;
    }

    void check_server() {
        const auto& durable = world_.catalogue();
        for (const auto& content : contents_) {
            if (!published_.contains(content.info().id)) continue;
            const bool there = std::any_of(durable.contents.begin(), durable.contents.end(), [&](const auto& each) { return each.content == content.info(); });
            must(there, content.info().id.text() + " was published and is not in the database");
        }
        must(durable.topology.version >= topology_version_, "an imported topology is not in the database any more");
        const auto kept = std::ranges::find(durable.settings, fallback_rate_setting, [](const auto& each) -> std::string_view { return each.first; });
        const auto value = kept == durable.settings.end() ? std::string() : kept->second;
        must(value == setting_ || value == former_setting_, "the setting that was acknowledged as '" + former_setting_ + "' is '" + value + "' in the database");
        must(topology_version_ == 0 || durable.licence.activated, "the activation is not in the database any more");
        for (std::size_t i = 0; i < world_.clients(); ++i) {
            const bool there = std::any_of(durable.clients.begin(), durable.clients.end(), [&](const auto& each) { return each.address == world_.address_of({i}); });
            must(there || !world_.was_registered({i}), name_of({i}) + " was registered and is not in the database");
        }
    }

    /// A client that was told that the server knows all it holds.
    void check_holdings() {
        for (const auto& each : world_.fetches()) {
            if (!each.complete() || !world_.is_up(each.client)) continue;
            const auto status = world_.core(each.client).status();
            if (!status.holdings_reported) continue;
            must(has_holding(status.id, each.content.key()), name_of(each.client) + " reported " + each.content.id.text() + " and the database does not know");
        }
    }
    [[nodiscard]] bool has_holding(const client_id& client, const content_key& content) const {
        const auto& all = world_.catalogue().holdings;
        return std::any_of(all.begin(), all.end(), [&](const auto& each) {
            return each.client == client && each.what.content == content && each.what.state == holding_state::complete;
        });
    }

    /// After a crash, before the next start.
    void check_disk(client_index who) {
        auto& store = world_.store(who);
        for (const auto& content : contents_) {
            const auto key = content.info().key();
            const auto name = content.info().id.text();
            if (const auto file = store.files().find("/out/" + name); file != store.files().end())
                must(file->second == *content.data(), name_of(who) + " wrote other bytes than " + name + " has");
            const auto opened = store.execute({0, store_open{content.info(), false}});
            const auto* has = opened.ok() ? std::get_if<store_opened>(&opened.value) : nullptr;
            must((has && has->whole) || !world_.imported(who, key), name_of(who) + " imported " + name + " and has not all of it");
            const auto* fetched = world_.fetch_of(who, content.info());
            const bool delivered = fetched && fetched->complete();
            must((has && has->whole && store.files().contains("/out/" + name)) || !delivered, name_of(who) + " got " + name + " and has not all of it");
            const chunk_geometry geometry(content.info().size_bytes);
            for (chunk_index chunk = 0; chunk < geometry.chunk_count(); ++chunk) {
                const bool there = has && has->verified.contains(chunk);
                must(there || !world_.acknowledged(who, key, chunk), name_of(who) + " lost a chunk of " + name + " that its store had acknowledged");
                if (there) check_chunk(store, content, geometry, chunk);
            }
            if (has) (void)store.execute({0, store_close{key}});
        }
        must(world_.chunks_fetched_again(who) == 0, name_of(who) + " fetched a chunk again that its store had acknowledged");
    }
    void check_chunk(memory_store& store, const generated_content& content, const chunk_geometry& geometry, chunk_index chunk) {
        const auto place = geometry.chunk(chunk);
        const auto read = store.execute({0, store_read_chunk{content.info().key(), chunk}});
        const auto* region = read.ok() ? std::get_if<store_region>(&read.value) : nullptr;
        const bool right = region && std::ranges::equal(region->region.view.subspan(geometry.proof_bytes(chunk)),
                                                        byte_span(*content.data()).subspan(place.offset, place.length));
        must(right, "a chunk of " + content.info().id.text() + " counts as verified and is wrong");
    }

    /// Everybody asks for everything, once more where the answer was no; then the server dies a last time.
    void finish() {
        for (std::size_t i = 0; i < world_.clients(); ++i) {
            for (const auto& content : contents_) {
                const auto name = content.info().id.text();
                if (asked_.emplace(client_index{i}, name).second) world_.fetch({i}, content, "/out/" + name);
            }
        }
        for (int round = 0; round < 10 && failure_.empty(); ++round) {
            if (world_.run_until([&] { return world_.all_fetched(); }, 60s)) break;
            for (std::size_t i = 0; i < world_.clients(); ++i) {
                for (const auto& content : contents_) {
                    const auto* record = world_.fetch_of({i}, content.info());
                    if (record && record->failure) world_.fetch({i}, content, "/out/" + content.info().id.text());
                }
            }
        }
        for (std::size_t i = 0; i < world_.clients(); ++i) {
            for (const auto& content : contents_) {
                const auto* record = world_.fetch_of({i}, content.info());
                must(record && record->complete(), name_of({i}) + " does not get " + content.info().id.text());
            }
        }
        const auto all_reported = [&] {
            for (std::size_t i = 0; i < world_.clients(); ++i) {
                if (!world_.core({i}).status().holdings_reported) return false;
            }
            return true;
        };
        must(world_.run_until(all_reported, 3min), "not everybody could report what it holds");
        kill_server();
        for (std::size_t i = 0; i < world_.clients(); ++i) kill({i});
    }

    random_source random_;
    world world_;
    std::string failure_;
    int kills_ = 0;
    std::vector<generated_content> contents_;
    std::set<content_id> published_;
    std::set<std::pair<client_index, std::string>> asked_;
    std::uint64_t topologies_ = 0, topology_version_ = 0;
    std::string setting_;         // as it was asked for last; empty: never
    std::string former_setting_;  // as it was acknowledged last
};

}  // namespace

fuzz_outcome run_crash_world(std::uint64_t seed, trace::line_sink lines) { return crash_run(seed, std::move(lines)).run(); }

}  // namespace p2pdist::sim
