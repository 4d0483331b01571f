#include <catch2/catch.hpp>

#include "content_feeder.hpp"
#include "p2pdist/content/hash_tree.hpp"
#include "server_world.hpp"

using namespace p2pdist;
using namespace p2pdist::test;
using Catch::Matchers::Contains;

namespace {

const char* const feeder_sheet =
    "Office,Type,Parent,Subnet\r\n"
    "HQ,Default,,10.0.0.0/24\r\n"
    "B,Default,HQ,10.1.0.0/24\r\n";

bytes some_bytes(std::size_t size) {
    random_source random(size);
    bytes out(size);
    for (auto& byte : out) byte = static_cast<std::uint8_t>(random() >> 40);
    return out;
}

/// What a store says that the bytes are.
content_info describe(const std::string& id, const bytes& data) {
    memory_store store(crypto());
    store.files()["x"] = data;
    const auto done = store.execute({1, store_import{content_id::parse(id).value(), std::nullopt, "x"}});
    return std::get<store_content>(done.value).content;
}

server_config feeding() {
    auto config = server_world::default_config();
    config.has_file_store = true;
    return config;
}

/// Activated, with one content in the file store.
struct feeding_world : server_world {
    explicit feeding_world(std::size_t size = 3'000'000) : server_world(feeding()) {
        file_store().files()["app"] = some_bytes(size);
        app = describe("app", file_store().files()["app"]);
        (void)administer<topology_import_reply>(topology_import_request{feeder_sheet, false});
        (void)administer<activate_reply>(activate_request{"K", 100});
        (void)administer<publish_reply>(publish_request{{app, content("elsewhere", 7)}});
    }
    /// Downloads from the server; nothing where it did not end.
    std::optional<transfer_finished> download(test_client& to, duration limit = 30s) {
        give_engine(to);
        to.engine->download(now(), app);
        const auto server = identity_from_secret(crypto(), feeding().identity).id;
        to.engine->add_source(now(), app.key(),
                              {server, role::server, address("10.0.0.1"), source_kind::server, transfer_protocol::foreground});
        (void)run_until([&] { return !to.finished.empty() || !to.lost.empty(); }, limit);
        if (to.finished.empty()) return std::nullopt;
        return to.finished[0];
    }
    content_info app;
};

}  // namespace

TEST_CASE("the server sends content to a client of the central office", "[REQ-SRV-5][REQ-SRC-1][REQ-MSG-4]") {
    feeding_world world;
    auto& client = world.join("10.0.0.5", 1);
    CHECK(world.asked<content_reply>(client, content_request{world.app.id}).server_has_it);
    CHECK(world.asked<locate_reply>(client, locate_request{world.app.key()}).server_has_it);
    CHECK_FALSE(world.asked<content_reply>(client, content_request{content("elsewhere").id}).server_has_it);

    const auto done = world.download(client);
    REQUIRE(done);
    CHECK_FALSE(done->failure);
    CHECK(done->split[static_cast<std::size_t>(source_kind::server)] == world.app.size_bytes);
    CHECK(world.server_ports_used.contains(34545));
    world.run_for(30s);
    CHECK(world.server().statistics().content_bytes_sent >= world.app.size_bytes);
}

TEST_CASE("the server sends content to nobody else", "[REQ-SRV-5][REQ-ACT-1][REQ-SEC-1]") {
    feeding_world world;
    auto& central = world.join("10.0.0.5", 1);
    (void)world.asked<content_reply>(central, content_request{world.app.id});
    SECTION("not to a client of another office") {
        auto& branch = world.join("10.1.0.5", 2);
        CHECK_FALSE(world.download(branch));
        REQUIRE_FALSE(branch.lost.empty());
        CHECK_THAT(branch.lost[0].text, Contains("central office"));
    }
    SECTION("not to one that has left the central office, though its registration does not say so yet") {
        world.move(central, "10.1.0.9");
        CHECK_FALSE(world.download(central));
        REQUIRE_FALSE(central.lost.empty());
        CHECK_THAT(central.lost[0].text, Contains("central office"));
    }
    SECTION("not to one that is not registered") {
        auto& stranger = *world.enrol("10.0.0.6", 3).value();
        CHECK_FALSE(world.download(stranger));
    }
    SECTION("not after the content was removed") {
        (void)world.administer<accepted>(remove_content_request{world.app.id});
        CHECK_FALSE(world.download(central));
    }
    CHECK(world.server().statistics().content_bytes_sent == 0);
}

TEST_CASE("a file that does not fit its hash is not served, and is reported", "[REQ-SRV-5][REQ-XFER-4]") {
    feeding_world world;
    world.file_store().files()["app"][1'000'000] ^= 1;
    auto& client = world.join("10.0.0.5", 1);
    world.events.clear();
    CHECK_FALSE(world.asked<content_reply>(client, content_request{world.app.id}).server_has_it);
    REQUIRE_FALSE(world.events.empty());
    CHECK(world.events[0].what == server_event::kind::finding);
    CHECK_THAT(world.events[0].text, Contains("app"));

    SECTION("mended, it is found after a while") {
        world.file_store().files()["app"][1'000'000] ^= 1;
        CHECK_FALSE(world.asked<content_reply>(client, content_request{world.app.id}).server_has_it);
        world.run_for(61s);
        CHECK(world.asked<content_reply>(client, content_request{world.app.id}).server_has_it);
    }
}

TEST_CASE("a file that the disk alters later is not served any more, is reported, and is read again after a while", "[REQ-SRV-5][REQ-XFER-4]") {
    feeding_world world;
    bool altered = true;
    memory_store_options options;
    options.corrupt = [&](const content_key&, chunk_index chunk) { return altered && chunk == 1; };
    auto files = world.file_store().files();
    world.file_store() = memory_store(crypto(), std::move(options));
    world.file_store().files() = std::move(files);
    auto& client = world.join("10.0.0.5", 1);
    REQUIRE(world.asked<content_reply>(client, content_request{world.app.id}).server_has_it);
    world.events.clear();
    CHECK_FALSE(world.download(client));
    REQUIRE_FALSE(world.events.empty());
    CHECK(world.events[0].what == server_event::kind::finding);
    CHECK_THAT(world.events[0].text, Contains("app") && Contains("altered"));
    CHECK_FALSE(world.asked<content_reply>(client, content_request{world.app.id}).server_has_it);

    altered = false;
    world.run_for(61s);
    CHECK(world.asked<content_reply>(client, content_request{world.app.id}).server_has_it);
    CHECK_FALSE(world.download(world.join("10.0.0.6", 2))->failure);
}

TEST_CASE("without a file store the server has nothing", "[REQ-SRV-5]") {
    server_world world;
    auto& client = world.join("10.0.0.5", 1);
    (void)world.administer<activate_reply>(activate_request{"K", 100});
    (void)world.administer<publish_reply>(publish_request{{content("a")}});
    CHECK_FALSE(world.asked<content_reply>(client, content_request{content("a").id}).server_has_it);
}

TEST_CASE("eight members that hold all the flows they may don't keep a ninth from the server", "[hostile][REQ-SRV-5][REQ-SEC-3]") {
    feeding_world world;
    publish_request many;
    for (std::size_t n = 0; n < limits::flows_of_peer_max; ++n) {
        const auto id = "part-" + std::to_string(n);
        world.file_store().files()[id] = some_bytes(300'000 + n);
        many.contents.push_back(describe(id, world.file_store().files()[id]));
    }
    (void)world.administer<publish_reply>(many);
    const auto server = identity_from_secret(crypto(), feeding().identity).id;
    // Their flows stay open, since nothing gets through to them.
    world.loses = [&](const send_datagram& datagram) {
        return datagram.from_port == 34545 && datagram.to.address != address("10.0.0.100") && frame_type_of(datagram.header) == frame_type::data;
    };
    for (std::uint8_t n = 1; n <= 8; ++n) {
        auto& liar = world.join(("10.0.0." + std::to_string(10 + n)).c_str(), n);
        world.give_engine(liar);
        for (const auto& content : many.contents) {
            (void)world.asked<content_reply>(liar, content_request{content.id});
            liar.engine->download(world.now(), content);
            liar.engine->add_source(world.now(), content.key(),
                                    {server, role::server, address("10.0.0.1"), source_kind::server, transfer_protocol::foreground});
        }
    }
    world.run_for(500ms);
    auto& honest = world.join("10.0.0.100", 99);
    REQUIRE(world.asked<content_reply>(honest, content_request{world.app.id}).server_has_it);
    const auto done = world.download(honest, 3s);
    INFO((honest.lost.empty() ? std::string("nothing lost") : honest.lost[0].text));
    REQUIRE(done);
    CHECK_FALSE(done->failure);
}

TEST_CASE("a member that asks for more contents than are kept at one time ends nobody's download", "[hostile][REQ-SRV-5][limits]") {
    feeding_world world(20'000'000);
    auto& honest = world.join("10.0.0.5", 1);
    auto& liar = world.join("10.0.0.6", 2);
    std::vector<content_info> others;
    for (std::size_t n = 0; n <= limits::server_attached_contents_max; ++n) others.push_back(content("other-" + std::to_string(n), 3));
    (void)world.administer<publish_reply>(publish_request{others});
    REQUIRE(world.asked<content_reply>(honest, content_request{world.app.id}).server_has_it);
    world.give_engine(honest);
    honest.engine->download(world.now(), world.app);
    const auto server = identity_from_secret(crypto(), feeding().identity).id;
    honest.engine->add_source(world.now(), world.app.key(),
                              {server, role::server, address("10.0.0.1"), source_kind::server, transfer_protocol::foreground});
    const auto here = [&] { return honest.engine->progress(world.app.key()).value().verified_bytes; };
    REQUIRE(world.run_until([&] { return here() > 0; }, 5s));
    world.loses = [&](const send_datagram& datagram) { return datagram.to.address == honest.where; };   // a busy line
    for (std::size_t n = 0; n < others.size();) {
        for (const auto end = std::min(n + content_feeder::waits_of_client_max, others.size()); n < end; ++n) (void)world.send(liar, content_request{others[n].id});
        REQUIRE(world.run_until([&] { return liar.answers.size() >= n; }, 5s));
    }
    world.loses = {};
    REQUIRE(world.run_until([&] { return !honest.finished.empty() || !honest.lost.empty(); }, 30s));
    CHECK(honest.lost.empty());
    REQUIRE(honest.finished.size() == 1);
    CHECK_FALSE(honest.finished[0].failure);
}

namespace {

/// A feeder alone, whose file store answers when it is told to.
struct lone_feeder {
    void ask(std::uint8_t who, std::size_t n) {
        client_id id;
        id.value[0] = who;
        feeder.ask(now, id, nth(n), [this, who](time_point, bool) { ++answered[who]; });
        take_looks();
    }
    void take_looks() {
        while (const auto out = feeder.poll(now, state)) {
            if (const auto* look = std::get_if<store_request>(&*out)) looks.push_back(*look);
        }
    }
    void find_missing(std::size_t look) {
        store_completion missing;
        missing.id = looks.at(look).id;
        missing.failure = error{errc::not_found, "no such file"};
        feeder.on_store_done(now, missing);
        take_looks();
    }
    [[nodiscard]] bool looked_for(std::size_t n) const {
        return std::any_of(looks.begin(), looks.end(), [&](const store_request& look) { return std::get<store_attach>(look.operation).content == nth(n); });
    }
    static content_info nth(std::size_t n) { return content("c" + std::to_string(n)); }

    server_config config = feeding();
    seeded_entropy random{5};
    envelope link{crypto(), random, identity_from_secret(crypto(), config.identity), std::nullopt, {}};
    content_feeder feeder{crypto(), random, link, config};
    server_state state{config};
    time_point now{1000s};
    std::vector<store_request> looks;
    std::map<std::uint8_t, std::size_t> answered;
};

}  // namespace

TEST_CASE("asking for more contents than are kept, while the file store is silent, takes no more room", "[hostile][REQ-SRV-5][limits]") {
    lone_feeder world;
    constexpr std::size_t each = content_feeder::waits_of_client_max;
    for (std::size_t n = 0; n < limits::server_attached_contents_max; ++n) world.ask(static_cast<std::uint8_t>(n / each), n);
    CHECK(world.answered.empty());
    CHECK(world.looks.size() == content_feeder::looks_max);
    for (std::size_t n = 0; n < 100; ++n) world.ask(200, limits::server_attached_contents_max + n);
    CHECK(world.answered[200] == 100);
    // When the first is found missing there is room for another.
    world.find_missing(0);
    world.ask(200, limits::server_attached_contents_max);
    CHECK(world.answered[200] == 100);
    CHECK(world.looks.size() == content_feeder::looks_max + 1);
    // Nobody waits longer than look_max, and then there is nothing to look for.
    CHECK(world.feeder.deadline() == world.now + content_feeder::look_max);
    world.now += content_feeder::look_max;
    world.feeder.on_timer(world.now);
    CHECK(world.answered[200] == 101);
    std::size_t told = 0;
    for (const auto& [who, count] : world.answered) told += count;
    CHECK(told == limits::server_attached_contents_max + 101);
    for (std::size_t look = 1; look < world.looks.size(); ++look) world.find_missing(look);
    CHECK(world.looks.size() == content_feeder::looks_max + 1);
    for (std::size_t n = 0; n < each; ++n) world.ask(201, n);   // and there is room again
    CHECK(world.answered[201] <= content_feeder::looks_max);    // those that are known to be missing
}

TEST_CASE("one member that asks for one content again and again, while its file is read, waits for so many answers", "[hostile][REQ-SRV-5][REQ-MSG-1][limits]") {
    lone_feeder world;
    for (std::size_t n = 0; n < 65'600; ++n) world.ask(1, 0);
    CHECK(world.answered[1] == 65'600 - content_feeder::waits_of_client_max);
    world.ask(2, 0);
    CHECK(world.answered[2] == 0);
    world.find_missing(0);
    CHECK(world.answered[1] == 65'600);
    CHECK(world.answered[2] == 1);
}

TEST_CASE("one member's many cold packages keep another's from being read for a few only", "[hostile][REQ-SRV-5]") {
    lone_feeder world;
    for (std::size_t n = 0; n < content_feeder::waits_of_client_max; ++n) world.ask(1, n);
    world.ask(2, 1000);
    for (std::size_t look = 0; look < 2; ++look) world.find_missing(look);
    CHECK(world.looked_for(1000));
    // One that is not published any more is not looked for.
    world.ask(3, 2000);
    world.feeder.forget(world.now, lone_feeder::nth(2000).id);
    CHECK(world.answered[3] == 1);
    for (std::size_t look = 2; look < 10; ++look) world.find_missing(look);
    CHECK_FALSE(world.looked_for(2000));
}

TEST_CASE("clients of other offices have no file read for them", "[REQ-SRV-5]") {
    feeding_world world;
    auto& central = world.join("10.0.0.5", 1);
    auto& branch = world.join("10.1.0.5", 2);
    for (int times = 0; times < 2; ++times) {
        CHECK_FALSE(world.asked<content_reply>(branch, content_request{world.app.id}).server_has_it);
        world.run_for(1s);
    }
    CHECK(world.asked<content_reply>(central, content_request{world.app.id}).server_has_it);
    CHECK(world.asked<content_reply>(branch, content_request{world.app.id}).server_has_it);
}
