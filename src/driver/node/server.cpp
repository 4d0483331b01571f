#include "p2pdist/driver/server.hpp"

#include <deque>
#include <set>
#include <utility>

#include <asio/post.hpp>

#include "dtls/channel_set.hpp"
#include "net/core_loop.hpp"
#include "net/port_set.hpp"
#include "node/operation.hpp"
#include "node/program_calls.hpp"
#include "node/server_keys.hpp"
#include "p2pdist/driver/file_store.hpp"
#include "p2pdist/driver/openssl_crypto.hpp"
#include "p2pdist/driver/sql_catalogue.hpp"
#include "source/package_finder.hpp"

namespace p2pdist {
namespace {

constexpr auto housekeeping_period = std::chrono::milliseconds(250);   // rotated keys are followed within that

}  // namespace

class server::implementation : public std::enable_shared_from_this<implementation> {
public:
    implementation(asio::any_io_executor executor, server_options options)
        : executor_(std::move(executor)),
          options_(std::move(options)),
          crypto_(make_openssl_crypto()),
          random_(make_system_entropy()),
          keys_changed_(server_keys_changed(options_.data)),   // before they are read: one that is replaced meanwhile is read again
          keys_(value_or_fail(load_server_keys(options_.data))),
          catalogue_(value_or_fail(open_catalogue())),
          core_(*crypto_, *random_, core_config(), net::monotonic_now(), net::wall_now()),
          loop_(executor_, core_, *this),
          timer_(executor_),
          ports_(value_or_fail(net::port_set::open(executor_, options_.bind, net::unicast_ports(options_.ports, role::server), std::nullopt,
                                                   options_.plain_udp))),
          channels_(executor_, keys_.security, random_->array<32>(), channel_callbacks()) {}

    void start() {
        const auto weak = weak_from_this();
        file_store_options store_options;
        store_options.directory = options_.data / "tree-cache";
        store_ = value_or_fail(file_store::open(store_options, *crypto_, [weak, executor = executor_](store_completion done) {
            asio::post(executor, [weak, done = std::move(done)]() mutable {
                if (const auto self = weak.lock(); self && !self->stopped_) self->on_store_done(std::move(done));
            });
        }, options_.log));
        if (options_.file_store) finder_ = std::make_unique<package_finder>(*options_.file_store);
        core_.load(net::monotonic_now(), value_or_fail(catalogue_->load()));
        const auto control_port = options_.ports[port_use::server_small_in];
        ports_.start([this, control_port](const received_datagram& datagram) {
            if (datagram.local.port == control_port && is_dtls(datagram.payload)) channels_.on_datagram(datagram.from, datagram.payload);
            else core_.on_datagram(net::monotonic_now(), datagram);
        }, [this] { loop_.turn(); });
        keep_house();
        asio::post(executor_, [weak] {
            if (const auto self = weak.lock(); self && !self->stopped_) self->loop_.turn();
        });
    }

    // What the core gives out.
    void perform(time_point, send_datagram&& datagram) { ports_.send(std::move(datagram)); }
    void perform(time_point, channel_send&& out) { channels_.send(out.channel, out.record); }
    void perform(time_point, channel_close&& which) { channels_.close(which.channel); }
    void perform(time_point, server_event&& event) { events_.push_back(std::move(event)); }
    void perform(time_point, catalogue_request&& request) {
        catalogue_->submit(std::move(request), [weak = weak_from_this(), executor = executor_](catalogue_completion done) {
            asio::post(executor, [weak, done = std::move(done)]() mutable {
                const auto self = weak.lock();
                if (!self || self->stopped_) return;
                self->core_.on_catalogue_done(net::monotonic_now(), std::move(done));
                self->loop_.turn();
            });
        });
    }
    void perform(time_point, store_request&& request) {
        const auto* attach = std::get_if<store_attach>(&request.operation);
        if (attach == nullptr) return store_->submit(std::move(request));
        auto wanted = attach->content;  // before the request is moved away
        finder_->find(std::move(wanted), [weak = weak_from_this(), executor = executor_, request = std::move(request)](const auto& path) {
            asio::post(executor, [weak, request, path] {
                if (const auto self = weak.lock(); self && !self->stopped_) self->on_package_found(request, path);
            });
        });
    }

    void after_pump() {
        ports_.flush();
        while (!events_.empty() && !stopped_) {
            const auto event = std::move(events_.front());
            events_.pop_front();
            const auto handler = handler_;   // it may set another
            if (handler) call_program(executor_, [&] { (*handler)(event); });
        }
    }

    void stop() {
        if (std::exchange(stopped_, true)) return;
        loop_.stop();
        timer_.cancel();
        channels_.stop();
        ports_.flush();
        ports_.close();
        finder_.reset();
        if (store_) store_->stop();
        catalogue_.reset();
    }

    void set_handler(std::function<void(const server_event&)> handler) {
        handler_ = handler ? std::make_shared<const std::function<void(const server_event&)>>(std::move(handler)) : nullptr;
    }
    const server_core& core() const noexcept { return core_; }
    const asio::any_io_executor& executor() const noexcept { return executor_; }

private:
    result<std::unique_ptr<sql_catalogue>> open_catalogue() const {
        auto url = options_.database_url;
        if (url.empty()) {
            auto recorded = recorded_database(options_.data);
            if (!recorded) return recorded.error();
            url = *recorded;
        }
        sql_catalogue_options options;
        options.create = false;   // in the place of one that is not mounted yet, say, an empty one would forget who is revoked
        return sql_catalogue::open(url, options);
    }

    server_config core_config() {
        server_config config;
        config.identity = keys_.identity;
        config.signing = keys_.signing;
        config.enrolment = keys_.enrolment;
        config.group = keys_.group;
        config.address = options_.bind;
        config.prefix_bits = options_.prefix_bits;
        config.ports = options_.ports;
        config.has_file_store = options_.file_store.has_value();
        config.heartbeat_interval = options_.heartbeat_interval;
        config.jitter_seed = random_->u64();
        config.log = options_.log;
        return config;
    }

    channel_handlers channel_callbacks() {
        return {[this](const endpoint& to, bytes datagram) {
                    send_datagram out;
                    out.from_port = options_.ports[port_use::server_small_in];
                    out.to = to;
                    out.header = std::move(datagram);
                    ports_.send(std::move(out));
                },
                [this](channel_id id, const endpoint& from, const secret_key& exporter) {
                    core_.on_channel_opened(net::monotonic_now(), id, from, exporter);
                },
                [this](channel_id id, byte_span record) { core_.on_channel_record(net::monotonic_now(), id, record); },
                [this](channel_id id) { core_.on_channel_closed(net::monotonic_now(), id); }};
    }

    void on_package_found(store_request request, const std::optional<std::filesystem::path>& path) {
        auto& attach = std::get<store_attach>(request.operation);
        if (path) {
            attach.path = path->string();
            return store_->submit(std::move(request));
        }
        store_completion none;
        none.id = request.id;
        none.failure = error{errc::not_found, "the file store has no " + attach.content.id.text()};
        on_store_done(std::move(none));
    }

    void on_store_done(store_completion done) {
        core_.on_store_done(net::monotonic_now(), std::move(done));
        loop_.turn();
    }

    void keep_house() {
        timer_.expires_after(housekeeping_period);
        timer_.async_wait([weak = weak_from_this()](std::error_code failure) {
            const auto self = weak.lock();
            if (failure || !self || self->stopped_) return;
            self->keep_house();
            self->core_.on_wall_clock(net::monotonic_now(), net::wall_now());
            self->follow_keys();
            self->loop_.turn();
        });
    }

    /// `key rotate` of another process: the old key is worthless from now on.
    void follow_keys() {
        const auto changed = server_keys_changed(options_.data);
        follow_key(server_key::security, changed.first, keys_changed_.first, keys_.security, [this] { channels_.set_key(keys_.security); });
        follow_key(server_key::enrolment, changed.second, keys_changed_.second, keys_.enrolment,
                   [this] { core_.set_enrolment_key(net::monotonic_now(), keys_.enrolment); });
    }

    /// Where the new one cannot be read (a file is replaced in one step, so that it is no half one) nobody has the key that counts, for as
    /// long as that lasts: who replaced the old one may have had a reason.
    template <class Function>
    void follow_key(server_key which, const std::filesystem::file_time_type& changed, std::filesystem::file_time_type& seen, secret_key& held,
                    const Function& put_in_force) {
        const bool shut = keys_shut_.contains(which);
        if (changed == seen && !shut) return;
        const auto found = load_server_key(options_.data, which);
        if (!found && shut) return;
        if (found) {
            seen = changed;
            keys_shut_.erase(which);
            if (*found == held) return;
        } else {
            keys_shut_.insert(which);
            const auto what = which == server_key::security ? "the new security key, and no connector gets in until it can: "
                                                            : "the new enrolment key, and nobody enrols until it can: ";
            const auto text = "the server cannot read " + (what + found.error().message);
            if (options_.log.wants(log_level::error)) options_.log(log_level::error, text);
            events_.push_back({server_event::kind::finding, text});
        }
        held = found ? *found : random_->array<32>();
        put_in_force();
    }

    asio::any_io_executor executor_;
    server_options options_;
    std::unique_ptr<crypto_suite> crypto_;
    std::unique_ptr<entropy> random_;
    server_keys_time keys_changed_;
    server_keys keys_;
    std::set<server_key> keys_shut_;   // were replaced by what cannot be read
    std::unique_ptr<sql_catalogue> catalogue_;
    server_core core_;
    net::core_loop<server_core, implementation> loop_;
    asio::steady_timer timer_;
    net::port_set ports_;
    channel_set channels_;
    std::unique_ptr<file_store> store_;
    std::unique_ptr<package_finder> finder_;   // where there is a file store, and only then the core asks
    std::deque<server_event> events_;
    std::shared_ptr<const std::function<void(const server_event&)>> handler_;
    bool stopped_ = false;
};

server::server(const executor_type& executor, server_options options)
    : self_(std::make_shared<implementation>(one_at_a_time(executor), std::move(options))) {
    self_->start();
}
server::~server() {
    self_->stop();
    auto executor = self_->executor();
    asio::post(executor, [kept = std::move(self_)] {});   // it may be below us on the stack
}
server::executor_type server::get_executor() const noexcept { return self_->executor(); }
void server::set_event_handler(std::function<void(const server_event&)> handler) { self_->set_handler(std::move(handler)); }
const server_core& server::core() const noexcept { return self_->core(); }
void server::stop() { self_->stop(); }
detail::prepared_operation server::prepare_stop(const std::shared_ptr<implementation>& self, stop_completion done) {
    return detail::prepare_stop(self->executor(), self, std::move(done));
}

}  // namespace p2pdist
