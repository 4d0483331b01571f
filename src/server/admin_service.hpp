#pragma once
// Answers the connectors' requests (CON-1). Each of them may be repeated: the second time it finds its work done, and changes
// nothing; but for `rotate_epoch_request` at once, which begins one more epoch.

#include "revocation_desk.hpp"
#include "server_context.hpp"

namespace p2pdist {

class admin_service {
public:
    admin_service(const crypto_suite& crypto, server_context& shared, content_feeder& feeder, revocation_desk& revocations)
        : crypto_(&crypto), shared_(&shared), feeder_(&feeder), revocations_(&revocations) {}

    void handle(time_point now, const message_body& body, const reply_function& reply);

private:
    // Changes.
    void answer(time_point now, const activate_request& request, const reply_function& reply);
    void answer(time_point now, const publish_request& request, const reply_function& reply);
    void answer(time_point now, const remove_content_request& request, const reply_function& reply);
    void answer(time_point now, const topology_import_request& request, const reply_function& reply);
    void answer(time_point now, const settings_set_request& request, const reply_function& reply);
    void answer(time_point now, const revoke_request& request, const reply_function& reply) { revocations_->revoke(now, request, reply); }
    void answer(time_point now, const reinstate_request& request, const reply_function& reply) { revocations_->reinstate(now, request, reply); }
    void answer(time_point now, const rotate_epoch_request& request, const reply_function& reply) { revocations_->rotate(now, request, reply); }
    // Reports.
    void answer(time_point now, const health_request& request, const reply_function& reply);
    void answer(time_point now, const licences_request& request, const reply_function& reply);
    void answer(time_point now, const contents_request& request, const reply_function& reply);
    void answer(time_point now, const holders_request& request, const reply_function& reply);
    void answer(time_point now, const topology_export_request& request, const reply_function& reply);
    void answer(time_point now, const clients_request& request, const reply_function& reply);
    void answer(time_point now, const offices_request& request, const reply_function& reply);
    void answer(time_point now, const links_request& request, const reply_function& reply);
    void answer(time_point now, const settings_show_request& request, const reply_function& reply);
    void answer(time_point now, const ping& request, const reply_function& reply);

    void change(time_point now, const reply_function& reply, server_context::planner plan, std::function<void(time_point now)> then) {
        shared_->change(now, reply, std::move(plan), std::move(then));
    }

    const crypto_suite* crypto_;
    server_context* shared_;
    content_feeder* feeder_;
    revocation_desk* revocations_;
};

}  // namespace p2pdist
