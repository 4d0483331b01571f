#pragma once
// The server's device: server_core, its database, its file store, and the server's end of the connector's channel.

#include <map>
#include <string>
#include <utility>

#include "node.hpp"
#include "p2pdist/server/server_core.hpp"
#include "p2pdist/sim/disk.hpp"
#include "p2pdist/sim/simulated_catalogue.hpp"

namespace p2pdist::sim {

class server_node final : public node<server_node, server_core> {
public:
    /// `config` has all but the keys, which the node makes.
    server_node(surroundings& around, server_config config, simulated_catalogue_options catalogue, disk_settings disk, std::uint64_t seed);

    void start();   ///< also again, after kill()
    void kill();

    [[nodiscard]] const server_config& config() const noexcept { return config_; }
    [[nodiscard]] disk_trouble* disk_troubles() noexcept override { return &disk_.trouble(); }
    [[nodiscard]] simulated_catalogue& catalogue() noexcept { return catalogue_; }
    [[nodiscard]] std::map<std::string, bytes>& file_store() noexcept { return disk_.store().files(); }

    void perform(time_point here, send_datagram&& datagram);
    void perform(time_point here, catalogue_request&& request);
    void perform(time_point here, store_request&& request);
    void perform(time_point here, channel_send&& out);
    void perform(time_point here, channel_close&& which);
    void perform(time_point here, server_event&& event);
    void on_work(time_point here, std::uint8_t what, std::uint64_t argument);
    /// The connector's frames, which its clients' are told apart from by their first byte.
    [[nodiscard]] bool take(time_point here, const endpoint& from, byte_span payload);

private:
    enum kind : std::uint8_t { store_done = 1, wall_clock, committed };
    using association = std::pair<endpoint, std::uint64_t>;

    void answer(const endpoint& to, bytes frame);

    server_config config_;
    simulated_catalogue catalogue_;
    disk disk_;
    random_source chance_;
    std::map<association, channel_id> channels_;
    std::map<channel_id, association> associations_;
    std::uint64_t next_channel_ = 1;
};

}  // namespace p2pdist::sim
