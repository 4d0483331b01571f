#include "p2pdist/driver/connector.hpp"

#include <map>
#include <utility>

#include <asio/post.hpp>

#include "dtls/dtls_association.hpp"
#include "net/core_loop.hpp"
#include "net/udp_port.hpp"
#include "node/operation.hpp"
#include "node/program_calls.hpp"
#include "p2pdist/driver/openssl_crypto.hpp"

namespace p2pdist {
namespace {

constexpr auto tick = std::chrono::milliseconds(50);
constexpr auto port_retry = std::chrono::milliseconds(200);
constexpr auto silence_max = std::chrono::milliseconds(1500);     // of a server that was asked something
constexpr auto handshake_patience = std::chrono::seconds(4);      // then another one is tried: its other end may have forgotten it
constexpr auto handshake_retry = std::chrono::milliseconds(200);  // after one that failed

}  // namespace

class connector::implementation : public std::enable_shared_from_this<implementation> {
public:
    implementation(asio::any_io_executor executor, connector_options options)
        : options_(std::move(options)),
          executor_(std::move(executor)),
          crypto_(make_openssl_crypto()),
          random_(make_system_entropy()),
          core_(*crypto_, *random_, random_->u64(), options_.timeout),
          loop_(executor_, core_, *this),
          timer_(executor_),
          server_{options_.server, options_.ports[port_use::server_small_in]} {}

    void start() {
        port_deadline_ = net::monotonic_now() + options_.port_wait;
        bind();
    }

    void request(message_body body, answer_handler handler) {
        if (failure_) {
            asio::post(executor_, [handler = std::move(handler), why = *failure_] { handler(why); });
            return;
        }
        if (handlers_.empty()) unanswered_since_.reset();
        handlers_[core_.request(net::monotonic_now(), std::move(body))] = std::move(handler);
        if (port_ && !channel_ && !next_) connect();
        turn();
    }

    [[nodiscard]] const asio::any_io_executor& executor() const noexcept { return executor_; }

    void stop() {
        if (std::exchange(stopped_, true)) return;
        if (channel_) {
            channel_->close();
            send_datagrams();
        }
        loop_.stop();
        timer_.cancel();
        if (port_) port_->close();
        failure_ = error{errc::cancelled, "the connector was stopped"};
        fail_all(*failure_);
    }

    void perform(time_point, connector_record&& record) {
        if (channel_) channel_->send(record.record);
    }
    void perform(time_point, connector_answer&& answer) {
        auto handler = take(answer.request);
        const auto* refused = std::get_if<error_reply>(&answer.body);
        tell(handler, refused ? result<message_body>(error{refused->code, refused->text}) : result<message_body>(std::move(answer.body)));
    }
    void perform(time_point, connector_failure&& failed) { tell(take(failed.request), channel_ ? failed.why : why_no_channel()); }
    void after_pump() { send_datagrams(); }

private:
    using state = dtls_association::state;

    /// CON-1: another connector on this address may be about to end; wait a little, then say who holds the port.
    void bind() {
        const auto local = endpoint{options_.bind, options_.ports[port_use::connector_reply]};
        auto opened = net::udp_port::open(executor_, local, {});
        if (opened) {
            port_ = std::move(*opened);
            port_->start([this](const received_datagram& datagram) { on_datagram(datagram); }, [this] { turn(); });
            return connect();
        }
        port_failure_ = opened.error();
        if (port_failure_->code == errc::port_in_use) port_failure_->message += "; another connector is at work on this address";
        if (port_failure_->code != errc::port_in_use || net::monotonic_now() >= port_deadline_) return give_up(*port_failure_);
        after(port_retry, [this] { bind(); });
    }

    /// From no channel at all to one, within the patience that the program asked for.
    void connect() {
        deadline_ = net::monotonic_now() + options_.timeout;
        refusal_.clear();
        shake_hands();
        watch();
    }

    /// A new association on the ports of the old one, which stays in use until this one is open (RFC 6347, 4.2.8).
    void shake_hands() {
        next_ = dtls_association::connect(options_.security_key);
        next_began_ = net::monotonic_now();
        send_datagrams();
    }

    void watch() {
        after(tick, [this] {
            if (look_after_channel(net::monotonic_now())) watch();
        });
    }

    /// OpenSSL's timers, and our own patience. DTLS itself does not notice that a server is gone, or is another process. False: nothing
    /// is to be looked after until the next request.
    bool look_after_channel(time_point now) {
        for (auto* one : {channel_.get(), next_.get()}) {
            const auto left = one == nullptr ? std::nullopt : one->retransmit_in();
            if (left && left->count() <= 0) one->retransmit();
        }
        send_datagrams();
        if (next_ && next_->status() == state::failed) refuse_handshake();
        const bool silent = unanswered_since_ && !handlers_.empty() && now - *unanswered_since_ >= silence_max;
        if (channel_) {
            if (silent && !next_ && now - next_began_ >= handshake_retry) shake_hands();
            else if (next_ && !silent) next_.reset();  // it only was busy
            else if (next_ && now - next_began_ >= handshake_patience) shake_hands();
            return true;
        }
        if (now >= deadline_) {
            next_.reset();
            fail_all(why_no_channel());
            return false;
        }
        if (now - next_began_ >= (next_ ? duration(handshake_patience) : duration(handshake_retry))) shake_hands();
        return true;
    }

    error why_no_channel() const {
        if (!port_ && port_failure_) return *port_failure_;
        if (!refusal_.empty())
            return {errc::not_authorised, "the server at " + server_.to_string() + " refused the security key: use the one that it printed last (" + refusal_ + ")"};
        return {errc::timed_out, "no answer from a server at " + server_.to_string() + ": check that it runs, its address, that UDP " +
                                     std::to_string(server_.port) + " is open, and that the security key is its own (a wrong key gets no answer)"};
    }

    void on_datagram(const received_datagram& datagram) {
        if (datagram.from != server_ || !is_dtls(datagram.payload)) return;
        const auto now = net::monotonic_now();
        if (channel_) {
            channel_->on_datagram(datagram.payload);
            take_records(now);
            if (channel_->status() != state::open) lose_channel(now);
        }
        if (!next_) return;
        next_->on_datagram(datagram.payload);
        if (next_->status() == state::failed) return refuse_handshake();
        if (next_->status() != state::open) return;
        channel_ = std::move(next_);
        unanswered_since_.reset();
        core_.on_channel_opened(now, channel_->exporter());
        take_records(now);
    }

    void take_records(time_point now) {
        for (const auto& record : channel_->take_records()) {
            unanswered_since_.reset();  // the only sign of life that nobody else can give
            core_.on_record(now, record);
        }
    }

    /// Who says so before a key was shown could be anybody: it counts when nothing better comes until the deadline.
    void refuse_handshake() {
        refusal_ = next_->failure();
        send_datagrams();
        next_.reset();
    }

    /// The server ended it: it stops, or its security key was changed.
    void lose_channel(time_point now) {
        channel_.reset();
        core_.on_channel_closed(now);
        refusal_.clear();
        if (handlers_.empty()) {
            deadline_ = now;  // nobody waits for one: the next request makes it
            return;
        }
        deadline_ = now + options_.timeout;
        if (!next_) shake_hands();
    }

    void turn() {
        const auto self = shared_from_this();
        loop_.turn();
    }

    void send_datagrams() {
        if (!port_) return;
        for (auto* one : {channel_.get(), next_.get()}) {
            if (one == nullptr) continue;
            for (auto& datagram : one->take_datagrams()) {
                if (one == channel_.get() && !unanswered_since_) unanswered_since_ = net::monotonic_now();
                send_datagram out;
                out.from_port = options_.ports[port_use::connector_reply];
                out.to = server_;
                out.header = std::move(datagram);
                port_->send(std::move(out));
            }
        }
        port_->flush();
    }

    void tell(const answer_handler& handler, result<message_body> answer) {
        call_program(executor_, [&] { handler(std::move(answer)); });
    }

    answer_handler take(connector_handle handle) {
        auto found = handlers_.extract(handle);
        return found.empty() ? answer_handler([](const auto&) {}) : std::move(found.mapped());
    }

    void give_up(error why) {
        failure_ = why;
        timer_.cancel();
        loop_.stop();
        if (port_) port_->close();
        fail_all(why);
    }

    void fail_all(const error& why) {
        for (auto& [handle, handler] : std::exchange(handlers_, {})) tell(handler, why);
    }

    template <class Then>
    void after(duration delay, Then then) {
        timer_.expires_after(delay);
        timer_.async_wait([weak = weak_from_this(), then](std::error_code failure) {
            const auto self = weak.lock();
            if (!failure && self && !self->stopped_) then();
        });
    }

    connector_options options_;
    asio::any_io_executor executor_;
    std::unique_ptr<crypto_suite> crypto_;
    std::unique_ptr<entropy> random_;
    connector_core core_;
    net::core_loop<connector_core, implementation> loop_;
    asio::steady_timer timer_;
    endpoint server_;
    std::unique_ptr<net::udp_port> port_;
    std::unique_ptr<dtls_association> channel_;  // open
    std::unique_ptr<dtls_association> next_;     // its handshake is under way
    time_point next_began_{};
    std::optional<time_point> unanswered_since_;  // when we sent what may have no answer yet
    std::string refusal_;                         // why a handshake failed
    std::map<connector_handle, answer_handler> handlers_;
    std::optional<error> failure_;
    std::optional<error> port_failure_;  // why the port can't be had yet
    time_point port_deadline_{};
    time_point deadline_{};  // for a channel, where there is none
    bool stopped_ = false;
};

connector::connector(const executor_type& executor, connector_options options)
    : self_(std::make_shared<implementation>(one_at_a_time(executor), std::move(options))) {
    self_->start();
}
connector::~connector() {
    self_->stop();
    // A handler of ours that destroys us may be above on the stack.
    auto executor = self_->executor();
    asio::post(executor, [kept = std::move(self_)] {});
}
connector::executor_type connector::get_executor() const noexcept { return self_->executor(); }
void connector::request(message_body body, answer_handler handler) { self_->request(std::move(body), std::move(handler)); }
detail::prepared_operation connector::prepare_request(const std::shared_ptr<implementation>& self, message_body body, request_completion done) {
    return detail::prepare(
        self->executor(), std::move(done),
        [self, body = std::move(body)](const auto& op) { self->request(body, [op](result<message_body> got) { op->complete(std::move(got)); }); },
        [](const auto& op) { op->complete(error{errc::cancelled, "the request was cancelled"}); });
}
detail::prepared_operation connector::prepare_stop(const std::shared_ptr<implementation>& self, stop_completion done) {
    return detail::prepare_stop(self->executor(), self, std::move(done));
}
void connector::stop() { self_->stop(); }

}  // namespace p2pdist
