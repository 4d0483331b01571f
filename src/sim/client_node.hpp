#pragma once
// A device with a client: client_core, a disk, fallback sources, and the record of what it was asked for.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "fallback_sources.hpp"
#include "node.hpp"
#include "p2pdist/client/client_core.hpp"
#include "p2pdist/envelope/version.hpp"
#include "p2pdist/sim/disk.hpp"
#include "p2pdist/sim/world.hpp"

namespace p2pdist::sim {

class client_node final : public node<client_node, client_core> {
public:
    /// `config` has all but what the node keeps itself: identity, saved credentials, jitter seed.
    client_node(surroundings& around, client_config config, memory_store_options store, disk_settings disk, fallback_library& library,
                std::vector<fetch_record>& records, client_index self, std::uint64_t seed);

    void start();
    void kill();
    /// Starts it, and asks again for what it had not got.
    void restart();
    void fetch(std::size_t record);
    void import(const generated_content& content);
    /// Its cable is put in elsewhere, and its driver sees another address.
    void move(const ip_address& address, int prefix_bits);
    [[nodiscard]] version_range versions() const noexcept { return versions_between(config_.protocol_oldest, config_.protocol_newest); }

    [[nodiscard]] memory_store& store() noexcept { return disk_.store(); }
    [[nodiscard]] disk_trouble* disk_troubles() noexcept override { return &disk_.trouble(); }
    [[nodiscard]] std::uint64_t chunks_written(const content_key& content) const;
    // What was acknowledged, to the core or by it, in this life or a former one.
    [[nodiscard]] bool acknowledged(const content_key& content, chunk_index chunk) const;
    [[nodiscard]] bool imported(const content_key& content) const;
    [[nodiscard]] bool was_registered() const noexcept { return was_registered_; }
    /// Chunks that the store was given though it had acknowledged them before.
    [[nodiscard]] std::uint64_t chunks_fetched_again() const noexcept { return chunks_fetched_again_; }

    void perform(time_point here, send_datagram&& datagram);
    void perform(time_point here, store_request&& request);
    void perform(time_point here, fallback_request&& request);
    void perform(time_point here, fallback_cancel&& request);
    void perform(time_point here, client_event&& event);
    void on_work(time_point here, std::uint8_t what, std::uint64_t argument);
    [[nodiscard]] bool take(time_point, const endpoint&, byte_span) const noexcept { return false; }

private:
    enum kind : std::uint8_t { store_done = 1, wall_clock, fallback_piece };

    void ask(std::size_t record);
    void note_answer(const store_completion& done);
    void read_on(time_point here, std::uint64_t slot);
    void on(const client_enrolled& event);
    void on(const client_registered& event);
    void on(const client_piece& event);
    void on(const client_stopped& event);
    void on(const client_progress& event);
    void on(const command_done& event);
    void on(const client_notice& event);

    client_config config_;
    disk disk_;
    fallback_reading fallback_;
    std::vector<fetch_record>& records_;
    client_index self_;
    random_source chance_;
    std::string name_;
    std::map<command_handle, std::size_t> commands_;
    std::set<std::size_t> unfinished_;   // records
    std::map<content_key, std::uint64_t> written_;
    std::map<store_request_id, content_key> writing_;
    std::map<content_key, std::set<chunk_index>> acknowledged_;
    std::uint64_t chunks_fetched_again_ = 0;
    std::map<command_handle, content_key> imports_;
    std::set<content_key> imported_;
    bool was_registered_ = false;
};

}  // namespace p2pdist::sim
