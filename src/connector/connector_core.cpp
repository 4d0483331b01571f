#include "p2pdist/connector/connector_core.hpp"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "p2pdist/message/message_layer.hpp"
#include "p2pdist/message/secure_channel_link.hpp"

namespace p2pdist {
namespace {

message_layer_config layer_config(duration request_timeout) {
    message_layer_config out;
    out.own_role = role::connector;
    out.answer_timeout = request_timeout;
    out.timeout_max = std::chrono::seconds(2);  // a request asks for its answer that often: so it shows that the server is gone
    return out;
}

client_id random_id(entropy& random_bytes) { return {random_bytes.array<16>()}; }

}  // namespace

class connector_core::implementation {
public:
    implementation(const crypto_suite& crypto, entropy& random_bytes, std::uint64_t jitter_seed, duration request_timeout)
        : timeout_(request_timeout),
          link_(crypto, random_id(random_bytes), role::connector, plan_[port_use::connector_reply]),
          messages_(crypto, random_bytes, link_, jitter_seed, layer_config(request_timeout)) {}

    connector_handle request(time_point now, message_body body) {
        const connector_handle handle{++last_handle_};
        // The server would drop what it can't read, and the caller would wait in vain.
        if (const auto readable = decode_body(encode_body(body)); !readable) {
            refused_.push_back({handle, {errc::invalid_argument, readable.error().message}});
            return handle;
        }
        open_request entry{std::move(body), now, {}};
        if (channel_ != 0) entry.sent = send(now, entry.body);
        open_.emplace(handle.value, std::move(entry));
        return handle;
    }

    void on_channel_opened(time_point now, const secret_key& exporter) {
        if (channel_ != 0) link_.close(channel_);
        channel_ = ++last_channel_;
        link_.open(channel_, server_, exporter);
        messages_.on_peer_restarted(now, secure_channel_server);  // what was sent through the channel before is sent again, under its id
        for (auto& [handle, entry] : open_) {
            if (entry.sent.value == 0) entry.sent = send(now, entry.body);
        }
    }

    void on_channel_closed(time_point) {
        if (channel_ != 0) link_.close(channel_);
        channel_ = 0;
    }

    void on_record(time_point now, byte_span record) {
        auto content = link_.on_record(now, channel_, record);
        if (!content) return;
        heard_ = now;
        if (const auto* frame = std::get_if<opened>(&*content)) return messages_.on_frame(now, *frame);
        if (const auto* other = std::get_if<secure_channel_mismatch>(&*content)) {
            const auto why = version_error("this connector", {}, "the server", other->theirs);
            return messages_.on_peer_unreachable(now, secure_channel_server, why);
        }
        messages_.on_data(now, std::get<received_datagram>(*content));
    }

    void on_timer(time_point now) {
        messages_.on_timer(now);
        for (auto& [handle, entry] : open_) {
            if (fails_at(entry) > now) continue;
            entry.late = true;
            late_.push_back(handle);
        }
    }

    std::optional<connector_output> poll(time_point now) {
        if (!refused_.empty()) {
            auto out = std::move(refused_.back());
            refused_.pop_back();
            return out;
        }
        if (!late_.empty()) {
            const auto handle = late_.back();
            late_.pop_back();
            if (auto entry = open_.extract(handle)) return give_up({handle}, entry.mapped().sent);
        }
        while (true) {
            if (auto record = link_.poll()) return connector_record{std::move(record->record)};
            auto next = messages_.poll(now);
            if (!next) break;
            if (const auto* datagram = std::get_if<send_datagram>(&*next)) link_.carry(*datagram);
            if (const auto* received = std::get_if<message_received>(&*next))
                messages_.drop(now, received->request);  // the server asks nothing
            if (auto* answered = std::get_if<message_answered>(&*next)) {
                if (const auto handle = close(answered->request)) return connector_answer{*handle, std::move(answered->body)};
            }
            if (auto* failed = std::get_if<message_failed>(&*next)) {
                if (const auto handle = close(failed->request)) return connector_failure{*handle, std::move(failed->why)};
            }
        }
        if (auto record = link_.poll()) return connector_record{std::move(record->record)};
        return std::nullopt;
    }

    time_point deadline() const {
        if (!late_.empty() || !refused_.empty()) return time_point::min();
        auto out = messages_.deadline();
        for (const auto& [handle, entry] : open_) out = std::min(out, fails_at(entry));
        return out;
    }

    bool idle() const noexcept { return open_.empty() && refused_.empty(); }

private:
    struct open_request {
        message_body body;    ///< until it is given to the message layer
        time_point made;
        message_handle sent;  ///< 0: not yet
        bool late = false;    ///< is in late_
    };

    /// Without a channel, or through one that carries nothing: the message layer counts its attempts anew for each channel that is opened.
    time_point fails_at(const open_request& entry) const {
        if (entry.late) return never;
        return (entry.sent.value == 0 ? entry.made : std::max(entry.made, heard_)) + timeout_;
    }

    connector_failure give_up(connector_handle handle, message_handle sent) {
        if (sent.value == 0) return {handle, {errc::timed_out, "no channel to the server; is it running, and is the security key its own?"}};
        messages_.cancel(sent);
        return {handle, {errc::timed_out, "nothing comes through the channel to the server; do UDP datagrams of up to " +
                                              std::to_string(limits::datagram_bytes_max) + " bytes get there and back?"}};
    }

    message_handle send(time_point now, message_body& body) {
        message_options options;
        options.large_protocol = transfer_protocol::foreground;
        return messages_.request(now, {secure_channel_server, role::server, server_.address}, std::exchange(body, {}), options);
    }

    std::optional<connector_handle> close(message_handle sent) {
        for (auto at = open_.begin(); at != open_.end(); ++at) {
            if (at->second.sent != sent) continue;
            const connector_handle handle{at->first};
            open_.erase(at);
            return handle;
        }
        return std::nullopt;
    }

    duration timeout_;
    // Inside the channel the plan's own ports stand for the two ends; where its datagrams really go is the driver's business.
    port_plan plan_;
    endpoint server_{{}, plan_[port_use::server_small_in]};
    secure_channel_link link_;
    message_layer messages_;
    std::uint64_t channel_ = 0;  // 0: none is open
    std::uint64_t last_channel_ = 0;
    std::uint64_t last_handle_ = 0;
    std::map<std::uint64_t, open_request> open_;
    time_point heard_ = time_point::min();  // the last record of the server
    std::vector<std::uint64_t> late_;
    std::vector<connector_failure> refused_;  // not sent at all
};

connector_core::connector_core(const crypto_suite& crypto, entropy& random_bytes, std::uint64_t jitter_seed, duration request_timeout)
    : self_(std::make_unique<implementation>(crypto, random_bytes, jitter_seed, request_timeout)) {}
connector_core::~connector_core() = default;
connector_core::connector_core(connector_core&&) noexcept = default;
connector_core& connector_core::operator=(connector_core&&) noexcept = default;

connector_handle connector_core::request(time_point now, message_body body) { return self_->request(now, std::move(body)); }
void connector_core::on_channel_opened(time_point now, const secret_key& exporter) { self_->on_channel_opened(now, exporter); }
void connector_core::on_channel_closed(time_point now) { self_->on_channel_closed(now); }
void connector_core::on_record(time_point now, byte_span record) { self_->on_record(now, record); }
void connector_core::on_timer(time_point now) { self_->on_timer(now); }
std::optional<connector_output> connector_core::poll(time_point now) { return self_->poll(now); }
time_point connector_core::deadline() const { return self_->deadline(); }
bool connector_core::idle() const noexcept { return self_->idle(); }

}  // namespace p2pdist
