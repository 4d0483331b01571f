#pragma once
// The server core's parts and how they are wired: datagrams in, to the part that they are for; outputs out, in one stream.

#include <optional>

#include "admin_service.hpp"
#include "channel_desk.hpp"
#include "client_service.hpp"
#include "content_feeder.hpp"
#include "enrolment_desk.hpp"
#include "p2pdist/base/clock_watch.hpp"
#include "p2pdist/envelope/envelope.hpp"
#include "p2pdist/message/message_layer.hpp"
#include "p2pdist/server/server_core.hpp"
#include "server_context.hpp"

namespace p2pdist {

class server_core::implementation {
public:
    implementation(const crypto_suite& crypto, entropy& random_bytes, const server_config& config, time_point now, wall_time wall);

    void load(time_point now, const catalogue_snapshot& snapshot);
    void on_datagram(time_point now, const received_datagram& datagram);
    void on_timer(time_point now);
    void on_wall_clock(time_point now, wall_time wall);
    void on_catalogue_done(time_point now, const catalogue_completion& completion);
    void on_store_done(time_point now, store_completion completion) { feeder_.on_store_done(now, std::move(completion)); }
    void on_channel_opened(channel_id channel, const secret_key& exporter) { channels_.open(channel, exporter); }
    void on_channel_record(time_point now, channel_id channel, byte_span record);
    void on_channel_closed(channel_id channel) { channels_.close(channel); }
    void set_enrolment_key(const secret_key& key) { enrolment_.set_key(key); }

    [[nodiscard]] std::optional<server_output> poll(time_point now);
    [[nodiscard]] time_point deadline() const;
    [[nodiscard]] server_statistics statistics() const;

private:
    void found_catalogue(time_point now);
    void get_ready(time_point now);
    void renew_papers();
    void introduce(byte_span datagram);
    void follow_epochs();
    void start_anew(time_point now);
    void on_peer_revoked(time_point now, const client_id& peer);
    void route(time_point now, const opened& frame);
    void on_request(time_point now, const message_received& request);
    void write_last_seen(time_point now);
    void push_state(time_point now);
    message_handle ask_for_list(time_point now, const client_id& whom, const ip_address& where);
    [[nodiscard]] transfer_protocol protocol_to(const client_id& peer) const;

    // Each takes one output of its part; false where there is none.
    [[nodiscard]] bool take_from_envelope(time_point now);
    [[nodiscard]] bool take_from_messages(time_point now);
    [[nodiscard]] bool take_from_feeder(time_point now);
    [[nodiscard]] bool take_from_enrolment(time_point now);
    [[nodiscard]] bool take_from_channels(time_point now);
    [[nodiscard]] bool take_from_context();

    const crypto_suite* crypto_;
    certificate_office papers_;
    server_context shared_;
    envelope seal_;
    message_layer messages_;
    content_feeder feeder_;
    enrolment_desk enrolment_;
    channel_desk channels_;
    revocation_desk revocations_;
    lost_lists lost_;
    client_service clients_;
    admin_service admin_;

    clock_watch clocks_;
    bool ready_ = false;               // the catalogue is loaded, and a new one is founded
    time_point found_at_ = never;      // when founding it is tried again
    time_point last_seen_at_ = never;  // when last_seen is written next
    bool writing_last_seen_ = false;
    std::optional<server_output> out_;  // what a take_from_* took
    bool stirred_ = false;              // one of them changed something inside
    time_point last_input_;
    std::uint64_t datagrams_in_ = 0, datagrams_out_ = 0, datagrams_dropped_ = 0, requests_ = 0;
};

}  // namespace p2pdist
