#pragma once
// The client's standing with the server: enrolment, registration, heartbeats, the list of servers, and what the server says has
// changed. Knows nothing of contents.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "backoff.hpp"
#include "node.hpp"
#include "office_view.hpp"
#include "p2pdist/envelope/enrolment.hpp"
#include "papers.hpp"
#include "saved_state.hpp"

namespace p2pdist::client_room {

class membership {
public:
    struct hooks {
        std::function<void(time_point)> registered;        ///< anew: the server may know nothing of us
        std::function<void(time_point)> state_changed;     ///< activation, topology, settings, or the server is away or back
        std::function<void(time_point)> contents_changed{};  ///< something was published or removed
        std::function<void(time_point)> revoked{};           ///< this client: it stops to serve and to fetch
    };

    membership(node& shared, office_view& offices, hooks called);

    void start(time_point now);
    /// Address or profile changed: the server has to know.
    void register_again(time_point now);

    [[nodiscard]] bool enrolled() const noexcept { return saved_.has_value(); }
    [[nodiscard]] bool registered() const noexcept { return registered_; }
    [[nodiscard]] bool activated() const noexcept { return saved_ && saved_->activated && !saved_->revoked; }
    /// Shut out by the administrator (SEC-2).
    [[nodiscard]] bool revoked() const noexcept { return saved_ && saved_->revoked; }
    [[nodiscard]] bool server_reachable() const noexcept { return registered_ && reachable_; }
    /// Meaningful when enrolled().
    [[nodiscard]] message_peer server() const;
    [[nodiscard]] peer_info server_info() const;
    [[nodiscard]] const std::string* setting(const std::string& key) const;
    /// Why nothing can be fetched now, for people; empty where nothing stands in the way.
    [[nodiscard]] std::string obstacle() const;
    /// What keeps this client from its server, for people, with what to do; empty where nothing does or nothing is known yet.
    [[nodiscard]] std::string problem() const;

    // Inputs.
    void on_enrolment_datagram(time_point now, const received_datagram& datagram);
    void on_state_changed(time_point now, const state_versions& versions);
    void on_newer_epoch(time_point now, std::uint16_t epoch) { papers_.on_epoch(now, epoch); }
    /// A peer said that it has the revocation list of this number.
    void on_list_heard(time_point now, const message_peer& from, std::uint64_t number) { papers_.on_list_heard(now, from, number); }
    /// The process may have a double, or be an earlier state of itself: whatever was under way begins anew.
    void on_resumed(time_point now);
    void on_version_mismatch(const version_mismatch& what);
    void on_timer(time_point now);
    [[nodiscard]] time_point deadline() const;
    /// Datagrams of an enrolment under way.
    [[nodiscard]] std::optional<send_datagram> poll();

private:
    static constexpr std::string_view revoked_text =
        "this client was revoked by the administrator of the software distribution: it neither receives nor serves content; ask there to "
        "have it reinstated";

    enum class phase { idle, enrolling, resting, registering, registered };

    void enrol(time_point now);
    void enrolment_ended(time_point now);
    [[nodiscard]] digest enrolment_print() const;
    void tell_enrolment_trouble(const error& why);
    void adopt(const saved_state& state);
    void send_registration(time_point now);
    void on_registration(time_point now, const answer& got);
    void send_heartbeat(time_point now);
    void on_heartbeat(time_point now, const answer& got);
    void heed(time_point now, const state_versions& versions);
    void ask_topology(time_point now);
    void ask_settings(time_point now);
    void lost_server(time_point now, const std::string& why);
    void rest(time_point now, phase then);
    void notice_once(log_level level, const std::string& text);
    void keep();
    bool enrol_again(time_point now, const std::string& why);
    void on_renewed(time_point now, const enrolment_grant& grant);
    void on_revoked(time_point now);
    void tell_revoked();
    void on_let_in(time_point now);
    [[nodiscard]] papers::hooks paper_hooks();
    [[nodiscard]] bool expired() const;
    [[nodiscard]] bool in_vain();
    [[nodiscard]] register_request self_description() const;

    node* node_;
    office_view* offices_;
    hooks hooks_;
    open_requests requests_;
    papers papers_;

    phase phase_ = phase::idle;
    phase after_rest_ = phase::idle;
    time_point next_ = never;
    backoff pause_;
    std::size_t server_index_ = 0;
    std::optional<enrolment_client> enrolment_;
    std::optional<saved_state> saved_;
    client_id server_id_;

    bool registered_ = false;
    bool reachable_ = false;
    int failures_ = 0;                 // of registrations and heartbeats, in a row
    bool enrolled_lately_ = false;     // and not registered since
    bool beating_ = false;             // a heartbeat is under way
    bool topology_asked_ = false;
    bool settings_asked_ = false;
    duration interval_ = std::chrono::seconds(60);
    std::string office_;
    std::optional<std::uint64_t> topology_version_;   // that we have from this server
    std::optional<std::uint64_t> settings_version_;
    std::uint64_t contents_version_ = 0;              // newest heard of since the registration
    std::map<std::string, std::string> settings_;
    std::string last_notice_;
};

}  // namespace p2pdist::client_room
