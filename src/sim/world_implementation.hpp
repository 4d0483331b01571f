#pragma once
// The inside of a world.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "address_pool.hpp"
#include "client_node.hpp"
#include "connector_node.hpp"
#include "liar_node.hpp"
#include "p2pdist/driver/openssl_crypto.hpp"
#include "p2pdist/sim/world.hpp"
#include "server_node.hpp"

namespace p2pdist::sim {

class world::implementation {
public:
    explicit implementation(world_options given);

    client_index add_client(const device& what);
    void add_liar(const device& what, std::uint64_t seed);
    void start();
    void move(client_index who, const std::string& office);
    [[nodiscard]] bool speaks_with_server(const client_node& who) const;
    bool run_until(const std::function<bool()>& done, duration limit);
    result<message_body> ask(message_body request, duration limit);
    [[nodiscard]] bool step();
    /// All stores know its chunks from now on: whoever receives one compares it and keeps none of its own, and it is hashed once for all.
    void know(const generated_content& content);
    [[nodiscard]] bool everybody_registered();
    [[nodiscard]] bool all_fetched() const;
    [[nodiscard]] client_node& node_of(client_index who) { return *clients.at(who.value); }

    world_options options;
    std::unique_ptr<crypto_suite> crypto;
    random_source random;
    event_queue queue;
    trace record;
    network net;
    surroundings around;
    address_pool addresses;
    std::shared_ptr<memory_chunk_pool> pool = std::make_shared<memory_chunk_pool>();
    fallback_library library;
    std::unique_ptr<server_node> server;
    std::unique_ptr<connector_node> connector;
    std::vector<std::unique_ptr<client_node>> clients;
    std::vector<std::unique_ptr<liar_node>> liars;
    std::map<ip_address, client_index> client_addresses;
    std::vector<fetch_record> fetches;
    bool livelocked = false;

private:
    void make_server();
    [[nodiscard]] address_pool::assigned place_of(const device& what);
    [[nodiscard]] log_sink log_of(const std::string& name);
    client_config config_of(const device& what, const ip_address& address, int prefix_bits);

    std::vector<std::shared_ptr<const bytes>> known_regions_;
    mutable std::size_t complete_ = 0;   // of fetches: those before it are
    std::int64_t second_ = 0;
    std::uint64_t events_in_second_ = 0;
};

}  // namespace p2pdist::sim
