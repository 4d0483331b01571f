#pragma once
// Answers the clients' requests. Of each client one change of a kind is on its way to the catalogue at a time, so that none of them fills
// what all share (limits::server_commits_pending_max); one more waits for its turn.

#include "lost_lists.hpp"
#include "p2pdist/message/message_layer.hpp"
#include "revocation_desk.hpp"
#include "server_context.hpp"

namespace p2pdist {

class client_service {
public:
    client_service(server_context& shared, content_feeder& feeder, revocation_desk& revocations, lost_lists& lost)
        : shared_(&shared), feeder_(&feeder), revocations_(&revocations), lost_(&lost) {}

    struct asker {
        client_id id;
        public_key key;      ///< as its certificate says
        ip_address address;  ///< where it answers; with no address translation (NET-1) that is its own
        standing rank = standing::member;
        std::uint16_t epoch = 0;  ///< of its certificate
    };
    /// A view of the topology is megabytes, which are copied for each answer: a client gets one version so often in views_window, e.g.
    /// when it was started again, and is told to ask later beyond that.
    static constexpr std::uint32_t views_of_client_max = 4;
    static constexpr duration views_window = std::chrono::minutes(1);
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
    enum class change_kind { registration, departure, holdings, peer_report, link_report };
    using turn = std::pair<client_id, change_kind>;
    struct waiting_request {
        asker from;
        message_body body;
        reply_function reply;
    };
    [[nodiscard]] static std::optional<change_kind> kind_of(const message_body& body);
    void wait(time_point now, const turn& whose, waiting_request request);
    void commit(time_point now, const turn& whose, std::vector<catalogue_change> changes, commit_desk::continuation then);
    void end(time_point now, const turn& whose);

    void handle_member(time_point now, const asker& from, const message_body& body, const reply_function& reply);
    [[nodiscard]] std::vector<holding> changed_holdings(const client_id& from, const holdings_report& report) const;

    server_context* shared_;
    content_feeder* feeder_;
    revocation_desk* revocations_;
    lost_lists* lost_;
    std::map<turn, std::optional<waiting_request>> under_way_;   // to the catalogue, and what is next
    time_point views_since_{};                     // the views_window in which views_of_ were given, all of views_version_
    std::uint64_t views_version_ = 0;
    std::map<client_id, std::uint32_t> views_of_;  // topologies of this version that a client asked for; of members only
};

}  // namespace p2pdist
