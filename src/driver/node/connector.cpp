#include "p2pdist/driver/connector.hpp"

#include <map>
#include <utility>

#include <asio/post.hpp>

#include "dtls/dtls_association.hpp"
#include "net/core_loop.hpp"
#include "net/udp_port.hpp"
#include "p2pdist/driver/openssl_crypto.hpp"

namespace p2pdist {
namespace {

constexpr auto tick = std::chrono::milliseconds(50);

}  // namespace

class connector::implementation : public std::enable_shared_from_this<implementation> {
public:
    implementation(const asio::any_io_executor& executor, connector_options options)
        : options_(std::move(options)),
          executor_(executor),
          crypto_(make_openssl_crypto()),
          random_(make_system_entropy()),
          core_(*crypto_, *random_, random_->u64(), options_.timeout),
          loop_(executor, core_, *this),
          timer_(executor),
          server_{options_.server, options_.ports[port_use::server_small_in]} {}

    void start() {
        deadline_ = net::monotonic_now() + options_.port_wait;
        bind();
    }

    void request(message_body body, answer_handler handler) {
        if (failure_) {
            asio::post(executor_, [handler = std::move(handler), why = *failure_] { handler(why); });
            return;
        }
        handlers_[core_.request(net::monotonic_now(), std::move(body))] = std::move(handler);
        turn();
    }

    void stop() {
        if (std::exchange(stopped_, true)) return;
        if (association_) {
            association_->close();
            send_datagrams();
        }
        loop_.stop();
        timer_.cancel();
        if (port_) port_->close();
        fail_all({errc::cancelled, "the connector was stopped"});
    }

    void perform(time_point, connector_record&& record) {
        association_->send(record.record);
    }
    void perform(time_point, connector_answer&& answer) {
        auto handler = take(answer.request);
        if (const auto* refused = std::get_if<error_reply>(&answer.body)) handler(error{refused->code, refused->text});
        else handler(std::move(answer.body));
    }
    void perform(time_point, connector_failure&& failed) { take(failed.request)(association_ && opened_ ? failed.why : why_no_channel()); }
    void after_pump() { send_datagrams(); }

private:
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
        if (port_failure_->code != errc::port_in_use || net::monotonic_now() >= deadline_) return give_up(*port_failure_);
        after(tick * 4, [this] { bind(); });
    }

    void connect() {
        association_ = dtls_association::connect(options_.security_key);
        opened_ = false;
        deadline_ = net::monotonic_now() + options_.timeout;
        send_datagrams();
        watch();
    }

    /// OpenSSL's timers, and our own patience.
    void watch() {
        after(tick, [this] {
            const auto left = association_->retransmit_in();
            if (left && left->count() <= 0) association_->retransmit();
            send_datagrams();
            if (!opened_ && net::monotonic_now() >= deadline_) return give_up(why_no_channel());
            watch();
        });
    }

    error why_no_channel() const {
        if (!port_ && port_failure_) return *port_failure_;
        return {errc::timed_out, "no answer from a server at " + server_.to_string() + ": check that it runs, its address, that UDP " +
                                     std::to_string(server_.port) + " is open, and that the security key is its own (a wrong key gets no answer)"};
    }

    void on_datagram(const received_datagram& datagram) {
        if (datagram.from != server_ || !association_ || !is_dtls(datagram.payload)) return;
        association_->on_datagram(datagram.payload);
        const auto now = net::monotonic_now();
        if (!opened_ && association_->status() == dtls_association::state::open) {
            opened_ = true;
            core_.on_channel_opened(now, association_->exporter());
        }
        for (const auto& record : association_->take_records()) core_.on_record(now, record);
        if (association_->status() == dtls_association::state::failed && !opened_)
            return give_up({errc::not_authorised, "the server at " + server_.to_string() + " refused the security key: use the one that it printed last (" +
                                                      association_->failure() + ")"});
        if (association_->status() == dtls_association::state::closed || association_->status() == dtls_association::state::failed) {
            core_.on_channel_closed(now);
            connect();
        }
    }

    void turn() {
        const auto self = shared_from_this();
        loop_.turn();
    }

    void send_datagrams() {
        if (!association_ || !port_) return;
        for (auto& datagram : association_->take_datagrams()) {
            send_datagram out;
            out.from_port = options_.ports[port_use::connector_reply];
            out.to = server_;
            out.header = std::move(datagram);
            port_->send(std::move(out));
        }
        port_->flush();
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
        for (auto& [handle, handler] : std::exchange(handlers_, {})) handler(why);
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
    std::unique_ptr<dtls_association> association_;
    std::map<connector_handle, answer_handler> handlers_;
    std::optional<error> failure_;
    std::optional<error> port_failure_;  // why the port can't be had yet
    time_point deadline_{};
    bool opened_ = false;
    bool stopped_ = false;
};

connector::connector(const asio::any_io_executor& executor, connector_options options)
    : self_(std::make_shared<implementation>(executor, std::move(options))) {
    self_->start();
}
connector::~connector() { self_->stop(); }
void connector::request(message_body body, answer_handler handler) { self_->request(std::move(body), std::move(handler)); }
void connector::stop() { self_->stop(); }

}  // namespace p2pdist
