#include "world_implementation.hpp"

#include <stdexcept>

#include "fast_crypto.hpp"
#include "p2pdist/content/hash_tree.hpp"
#include "p2pdist/envelope/version.hpp"

namespace p2pdist::sim {
namespace {

constexpr duration poll_step = std::chrono::milliseconds(1);
constexpr duration start_spread = std::chrono::seconds(2);

}  // namespace

world::implementation::implementation(world_options given)
    : options(std::move(given)),
      crypto(options.fast_crypto ? make_fast_crypto(make_openssl_crypto()) : make_openssl_crypto()),
      random(options.seed),
      net(queue, record, options.offices, [&] { auto lines = options.network; lines.seed ^= random(); return lines; }()),
      around{queue, net, record, *crypto},
      addresses(options.offices) {
    record.write_to(options.trace_lines);
    library.cdn_bytes_per_second = options.cdn_bytes_per_second;
    library.file_store_bytes_per_second = options.file_store_bytes_per_second;
    make_server();
}

void world::implementation::make_server() {
    const auto central = options.offices.central();
    server_config config;
    if (options.server) {
        config.address = *options.server;
        addresses.take(config.address);
    } else {
        config.address = addresses.next_of(central).address;
    }
    config.prefix_bits = static_cast<std::uint8_t>(addresses.prefix_of(config.address));
    config.has_file_store = options.server_file_store;
    config.heartbeat_interval = options.heartbeat;
    config.protocol_oldest = options.protocol_oldest;
    config.protocol_newest = options.protocol_newest;
    config.log = log_of("server");
    server = std::make_unique<server_node>(around, config, options.catalogue, options.disk, random());
    const auto management = addresses.next_of(central);
    connector = std::make_unique<connector_node>(around, management.address, management.prefix_bits,
                                                 endpoint{config.address, config.ports[port_use::server_small_in]}, config.ports, random());
}

/// Where a node's own lines go: where the options say, and into the trace where one is written.
log_sink world::implementation::log_of(const std::string& name) {
    if (!record.writes()) return options.log;
    return log_sink(log_level::debug, [this, name](log_level level, std::string_view line) {
        options.log(level, line);
        record.remark(queue.now(), name, line);
    });
}

client_config world::implementation::config_of(const device& what, const ip_address& address, int prefix_bits) {
    client_config config;
    config.enrolment = server->config().enrolment;
    config.servers = {server->address()};
    config.address = address;
    config.prefix_bits = static_cast<std::uint8_t>(prefix_bits);
    if (address.is_v4()) config.broadcast = subnet::of(address, prefix_bits).broadcast();
    config.has_file_store = what.file_store;
    config.protocol_oldest = what.protocol_oldest;
    config.protocol_newest = what.protocol_newest;
    config.cdn = options.cdn;
    config.host_name = "device-" + std::to_string(clients.size());
    config.log = log_of(address.to_string());
    if (what.profile) {
        config.profile = *what.profile;
    } else {
        config.profile.free_storage_bytes = (50 + random.below(200)) << 30;
        config.profile.usable_storage_bytes = config.profile.free_storage_bytes / 2;
        config.profile.uptime = std::chrono::minutes(random.below(100'000));
        config.profile.version = 1;
    }
    config.profile.preferred = config.profile.preferred || what.preferred;
    if (what.adjust) what.adjust(config);
    return config;
}

address_pool::assigned world::implementation::place_of(const device& what) {
    if (what.address) {
        addresses.take(*what.address);
        return {*what.address, addresses.prefix_of(*what.address)};
    }
    const auto office = options.offices.find(what.office);
    if (!office) throw std::runtime_error("there is no office '" + what.office + "'");
    return addresses.next_of(*office);
}

void world::implementation::add_liar(const device& what, std::uint64_t seed) {
    const auto place = place_of(what);
    liar_config config;
    config.enrolment = server->config().enrolment;
    config.server = server->address();
    config.address = place.address;
    config.prefix_bits = static_cast<std::uint8_t>(place.prefix_bits);
    config.office = what.office;
    config.seed = seed;
    liars.push_back(std::make_unique<liar_node>(around, config, seed));
}

client_index world::implementation::add_client(const device& what) {
    const auto place = place_of(what);
    const client_index index{clients.size()};
    memory_store_options store;
    store.limit_bytes = what.store_limit_bytes;
    store.pool = pool;
    const auto seed = random();   // on a line of its own: compilers evaluate arguments in different orders, and the same seed is the same world
    auto config = config_of(what, place.address, place.prefix_bits);
    clients.push_back(std::make_unique<client_node>(around, std::move(config), std::move(store), options.disk, library, fetches, index, seed));
    client_addresses[place.address] = index;
    return index;
}

void world::implementation::know(const generated_content& content) {
    const auto& info = content.info();
    if (info.hash.kind != hash_kind::sha256_tree) return;
    const auto tree = make_tree(*crypto, *content.data());
    const chunk_geometry geometry(info.size_bytes);
    for (chunk_index chunk = 0; chunk < geometry.chunk_count(); ++chunk) {
        if (pool->find(info.hash.value, chunk)) continue;
        auto region = std::make_shared<bytes>();
        region->reserve(geometry.region(chunk).length);
        for (const auto& sibling : tree.proof(chunk)) region->insert(region->end(), sibling.begin(), sibling.end());
        const auto place = geometry.chunk(chunk);
        const auto data = byte_span(*content.data()).subspan(place.offset, place.length);
        region->insert(region->end(), data.begin(), data.end());
        known_regions_.push_back(region);
        pool->add(info.hash.value, chunk, region);
    }
}

void world::implementation::move(client_index who, const std::string& office) {
    auto& mover = node_of(who);
    const auto place = place_of({.office = office});
    const auto old = mover.address();
    mover.move(place.address, place.prefix_bits);
    client_addresses.erase(old);
    client_addresses[place.address] = who;
}

bool world::implementation::speaks_with_server(const client_node& who) const {
    const auto& own = server->config();
    return common_version(versions_between(own.protocol_oldest, own.protocol_newest), who.versions()).has_value();
}

void world::implementation::start() {
    server->start();
    connector->start();
    for (auto& each : clients) {
        const auto when = queue.now() + duration(static_cast<duration::rep>(random.below(static_cast<std::uint64_t>(start_spread.count()))));
        queue.at(when, [who = each.get()] { if (!who->lives()) who->restart(); });
    }
    for (auto& each : liars) {
        if (!each->lives()) each->start();
    }
    run_until([] { return false; }, start_spread);
}

bool world::implementation::step() {
    if (!queue.step()) return false;
    const auto second = std::chrono::duration_cast<std::chrono::seconds>(queue.now().time_since_epoch()).count();
    if (second != second_) {
        second_ = second;
        events_in_second_ = 0;
    }
    livelocked = livelocked || ++events_in_second_ > options.events_per_second_max;
    return !livelocked;
}

bool world::implementation::run_until(const std::function<bool()>& done, duration limit) {
    const auto end = queue.now() + limit;
    if (done()) return true;
    auto seen = around.activity;
    auto next_look = queue.now() + poll_step;
    while (!livelocked && queue.next_time() <= end) {
        if (!step()) break;
        if (around.activity == seen && queue.now() < next_look) continue;
        seen = around.activity;
        next_look = queue.now() + poll_step;
        if (done()) return true;
    }
    if (!livelocked) queue.advance_to(end);
    return done();
}

result<message_body> world::implementation::ask(message_body request, duration limit) {
    const auto handle = connector->request(std::move(request));
    if (!run_until([&] { return connector->has_outcome(handle); }, limit)) return {errc::timed_out, "the world gave the connector no answer"};
    return *connector->take_outcome(handle);
}

bool world::implementation::everybody_registered() {
    for (auto& each : clients) {
        if (!each->lives() || !speaks_with_server(*each)) continue;
        const auto status = each->core().status();
        if (!status.registered || !status.activated) return false;
        const auto office = options.offices.office_of(each->address());
        if (office && status.office != options.offices[*office].name) return false;
    }
    return true;
}

bool world::implementation::all_fetched() const {
    // It is asked after each event: what is complete once need not be looked at again.
    while (complete_ < fetches.size() && fetches[complete_].complete()) ++complete_;
    for (auto i = complete_; i < fetches.size(); ++i) {
        if (clients[fetches[i].client.value]->lives() && !fetches[i].complete()) return false;
    }
    return true;
}

}  // namespace p2pdist::sim
