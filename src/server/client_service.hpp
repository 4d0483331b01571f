#pragma once
// Answers the clients' requests.

#include "p2pdist/message/message_layer.hpp"
#include "revocation_desk.hpp"
#include "server_context.hpp"

namespace p2pdist {

class client_service {
public:
    client_service(server_context& shared, content_feeder& feeder, revocation_desk& revocations)
        : shared_(&shared), feeder_(&feeder), revocations_(&revocations) {}

    struct asker {
        client_id id;
        public_key key;      ///< as its certificate says
        ip_address address;  ///< where it answers; with no address translation (NET-1) that is its own
        standing rank = standing::member;
    };
    void handle(time_point now, const asker& from, const message_body& body, const reply_function& reply);

private:
    void answer(time_point now, const asker& from, const register_request& request, const reply_function& reply);
    void answer(time_point now, const asker& from, const heartbeat& request, const reply_function& reply);
    void answer(time_point now, const asker& from, const unregister& request, const reply_function& reply);
    void answer(time_point now, const registered_client& from, const revocations_request& request, const reply_function& reply);
    void answer(time_point now, const registered_client& from, const topology_request& request, const reply_function& reply);
    void answer(time_point now, const registered_client& from, const settings_request& request, const reply_function& reply);
    void answer(time_point now, const registered_client& from, const content_request& request, const reply_function& reply);
    void answer(time_point now, const registered_client& from, const locate_request& request, const reply_function& reply);
    void answer(time_point now, const registered_client& from, const holdings_report& request, const reply_function& reply);
    void answer(time_point now, const registered_client& from, const peer_report& request, const reply_function& reply);
    void answer(time_point now, const registered_client& from, const link_report& request, const reply_function& reply);
    void handle_member(time_point now, const asker& from, const message_body& body, const reply_function& reply);
    [[nodiscard]] std::vector<holding> known_holdings(const client_id& from, const holdings_report& report) const;
    [[nodiscard]] bool changes_nothing(const client_id& from, const std::vector<holding>& holdings, bool complete) const;

    server_context* shared_;
    content_feeder* feeder_;
    revocation_desk* revocations_;
    std::map<client_id, int> reports_pending_;  // holdings on their way to the catalogue, by client
};

}  // namespace p2pdist
