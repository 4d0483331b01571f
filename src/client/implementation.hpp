#pragma once
// The parts of a client, in the order of their construction.

#include "blame_reports.hpp"
#include "commands.hpp"
#include "p2pdist/base/clock_watch.hpp"
#include "serving_policy.hpp"

namespace p2pdist {

class client_core::implementation {
public:
    implementation(const crypto_suite& crypto, entropy& random_bytes, client_config config, wall_time wall);
    implementation(const implementation&) = delete;
    implementation& operator=(const implementation&) = delete;

    void start(time_point now);
    void on_datagram(time_point now, const received_datagram& datagram);
    void on_timer(time_point now);
    [[nodiscard]] time_point deadline() const;
    [[nodiscard]] std::optional<client_output> poll(time_point now);
    void on_state_changed(time_point now);
    void measure();
    void on_wall_clock(time_point now, wall_time wall);
    void stop(time_point now);
    void on_moved(time_point now);

    client_room::node shared;
    client_room::office_view offices;
    client_room::peer_book peers;
    client_room::content_shelf shelf;
    client_room::membership member;
    client_room::holdings_reporter reporter;
    client_room::link_ledger ledger;
    client_room::fallback_reader fallback;
    client_room::discovery broadcast;
    client_room::client_parts parts;
    client_room::fetch_jobs jobs;
    client_room::serving_policy serving;
    client_room::commands orders;
    store_statistics store;
    clock_watch clocks;

private:
    static constexpr duration report_pause = std::chrono::seconds(30);

    void take_in(time_point now, const store_entry& entry);
    [[nodiscard]] std::optional<std::string> cdn() const;
    [[nodiscard]] double fallback_rate() const;
    void on_message(time_point now, message_received&& received);
    void on_output(time_point now, message_output&& output);
    void on_output(time_point now, transfer_output&& output);
    void on_output(time_point now, envelope_output&& output);
    void on_blamed(time_point now, const peer_blamed& blamed);
    void report_blamed(time_point now);
    void on_revoked(time_point now);
    void lose_peer(time_point now, const client_id& peer);

    client_room::blame_reports unreported;
    time_point next_report{};
    bool reporting = false;
    bool stopping = false;                // stop() was called, and client_stopped is to be said yet
};

}  // namespace p2pdist
