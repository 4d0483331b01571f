#include "p2pdist/driver/client.hpp"

#include <deque>
#include <map>
#include <utility>

#include <asio/post.hpp>

#include "net/core_loop.hpp"
#include "net/port_set.hpp"
#include "node/or_fail.hpp"
#include "node/secret_file.hpp"
#include "p2pdist/driver/file_store.hpp"
#include "p2pdist/driver/openssl_crypto.hpp"
#include "source/fallback_reader.hpp"

namespace p2pdist {
namespace {

constexpr auto wall_clock_period = std::chrono::seconds(30);

/// The device's key pair: made once, then kept, since the client's id follows from it.
secret_key load_identity(const std::filesystem::path& file, entropy& random) {
    auto kept = read_secret_file(file);
    secret_key key{};
    if (kept && kept->size() == key.size()) {
        std::copy(kept->begin(), kept->end(), key.begin());
        return key;
    }
    if (kept) fail({errc::malformed, file.string() + " is damaged: restore it, or remove it to let this device enrol as a new one"});
    if (kept.error().code != errc::not_found) fail(kept.error());
    key = random.array<32>();
    if (const auto written = write_secret_file(file, key); !written) fail(written.error());
    return key;
}

}  // namespace

class client::implementation : public std::enable_shared_from_this<implementation> {
public:
    implementation(const executor_type& executor, client_options options)
        : executor_(executor),
          data_(std::move(options.data)),
          crypto_(make_openssl_crypto()),
          random_(make_system_entropy()),
          core_(*crypto_, *random_, prepare(options), net::monotonic_now(), net::wall_now()),
          loop_(executor, core_, *this),
          wall_timer_(executor),
          ports_(value_or_fail(open_ports(executor, options))) {}

    /// What needs weak_from_this().
    void start(client_options& options) {
        const auto weak = weak_from_this();
        file_store_options store_options;
        store_options.directory = data_ / "store";
        store_options.limit_bytes = options.store_limit_bytes;
        store_ = value_or_fail(file_store::open(store_options, *crypto_, [weak, executor = executor_](store_completion done) {
            asio::post(executor, [weak, done = std::move(done)]() mutable {
                if (const auto self = weak.lock(); self && !self->stopped_) self->on_store_done(std::move(done));
            });
        }, options.core.log));
        fallback_ = std::make_unique<fallback_reader>(executor_, options.file_store, fallback_handlers{
            [this](std::uint64_t request, std::uint64_t offset, shared_bytes data) {
                core_.on_fallback_data(net::monotonic_now(), request, offset, std::move(data));
                loop_.turn();
            },
            [this](std::uint64_t request, std::optional<error> failure) {
                core_.on_fallback_done(net::monotonic_now(), request, std::move(failure));
                loop_.turn();
            }});
        ports_.start([this](const received_datagram& datagram) { core_.on_datagram(net::monotonic_now(), datagram); }, [this] { loop_.turn(); });
        keep_wall_clock();
        asio::post(executor_, [weak] {
            if (const auto self = weak.lock()) self->loop_.turn();
        });
    }

    // What the core gives out.
    void perform(time_point, send_datagram&& datagram) { ports_.send(std::move(datagram)); }
    void perform(time_point, store_request&& request) { store_->submit(std::move(request)); }
    void perform(time_point, fallback_request&& request) { fallback_->start(std::move(request)); }
    void perform(time_point, fallback_cancel&& request) { fallback_->cancel(request.id); }
    void perform(time_point, client_event&& event) { events_.push_back(std::move(event)); }

    /// Sends, then tells the program: its handlers may give commands, or stop this client.
    void after_pump() {
        ports_.flush();
        const auto self = shared_from_this();
        while (!events_.empty() && !stopped_) {
            const auto event = std::move(events_.front());
            events_.pop_front();
            if (const auto* enrolled = std::get_if<client_enrolled>(&event)) keep_credentials(*enrolled);
            if (handler_) handler_(event);
            if (const auto* done = std::get_if<command_done>(&event)) complete(*done);
        }
    }

    command_handle start_fetch(content_id id, std::string output, completion done) {
        return begin(core_.fetch(net::monotonic_now(), id, std::move(output)), std::move(done));
    }
    command_handle start_import(std::string path, std::optional<content_id> id, completion done) {
        return begin(core_.import(net::monotonic_now(), std::move(path), std::move(id)), std::move(done));
    }
    void cancel(command_handle command) {
        if (stopped_) return;
        core_.cancel(net::monotonic_now(), command);
        loop_.turn();
    }
    template <class Command>
    auto command(Command give) {
        auto outcome = give(core_, net::monotonic_now());
        turn_soon();
        return outcome;
    }

    void stop() {
        if (std::exchange(stopped_, true)) return;
        loop_.stop();
        wall_timer_.cancel();
        ports_.close();
        fallback_.reset();
        if (store_) store_->stop();
        for (auto& [command, done] : std::exchange(waiting_, {})) {
            fetch_result what;
            what.message = "the client was stopped";
            done->complete(make_error_code(errc::cancelled), std::move(what));
        }
    }

    executor_type executor_;
    std::function<void(const client_event&)> handler_;
    client_core& core() noexcept { return core_; }

private:
    client_config prepare(client_options& options) {
        if (const auto made = make_private_directory(data_); !made) fail(made.error());
        options.core.identity = load_identity(data_ / "identity.key", *random_);
        if (auto kept = read_secret_file(data_ / "credentials"); kept) options.core.saved_credentials = std::move(*kept);
        options.core.has_file_store = options.file_store.has_value();
        options.core.jitter_seed = random_->u64();
        return options.core;
    }

    static result<net::port_set> open_ports(const executor_type& executor, const client_options& options) {
        std::optional<endpoint> broadcast;
        if (options.core.broadcast) broadcast = endpoint{*options.core.broadcast, options.core.ports[port_use::broadcast]};
        return net::port_set::open(executor, options.core.address, net::unicast_ports(options.core.ports, role::client), broadcast, options.plain_udp);
    }

    command_handle begin(command_handle command, completion done) {
        waiting_[command] = std::move(done);
        turn_soon();
        return command;
    }

    /// Never inside an initiating function: a handler must not run before it returns.
    void turn_soon() {
        asio::post(executor_, [weak = weak_from_this()] {
            if (const auto self = weak.lock(); self && !self->stopped_) self->loop_.turn();
        });
    }

    void on_store_done(store_completion done) {
        core_.on_store_done(net::monotonic_now(), std::move(done));
        loop_.turn();
    }

    void keep_credentials(const client_enrolled& enrolled) {
        const auto kept = write_secret_file(data_ / "credentials", enrolled.credentials);
        if (!kept && handler_) handler_(client_notice{log_level::error, kept.error().message + ": this device will enrol again at its next start"});
    }

    void complete(const command_done& done) {
        auto found = waiting_.extract(done.command);
        if (found.empty()) return;
        fetch_result what{done.content, done.split, done.took, done.failure ? done.failure->message : std::string()};
        found.mapped()->complete(done.failure ? done.failure->error_code() : std::error_code(), std::move(what));
    }

    void keep_wall_clock() {
        wall_timer_.expires_after(wall_clock_period);
        wall_timer_.async_wait([weak = weak_from_this()](std::error_code failure) {
            const auto self = weak.lock();
            if (failure || !self || self->stopped_) return;
            self->core_.on_wall_clock(net::monotonic_now(), net::wall_now());
            self->loop_.turn();
            self->keep_wall_clock();
        });
    }

    std::filesystem::path data_;
    std::unique_ptr<crypto_suite> crypto_;
    std::unique_ptr<entropy> random_;
    client_core core_;
    net::core_loop<client_core, implementation> loop_;
    asio::steady_timer wall_timer_;
    net::port_set ports_;
    std::unique_ptr<file_store> store_;
    std::unique_ptr<fallback_reader> fallback_;
    std::deque<client_event> events_;
    std::map<command_handle, completion> waiting_;
    bool stopped_ = false;
};

client::client(const executor_type& executor, client_options options) : self_(std::make_shared<implementation>(executor, options)) {
    self_->start(options);
}
client::~client() { self_->stop(); }

client::executor_type client::get_executor() const noexcept { return self_->executor_; }
void client::set_event_handler(std::function<void(const client_event&)> handler) { self_->handler_ = std::move(handler); }
command_handle client::start_fetch(content_id id, std::string output, completion done) {
    return self_->start_fetch(std::move(id), std::move(output), std::move(done));
}
command_handle client::start_import(std::string path, std::optional<content_id> id, completion done) {
    return self_->start_import(std::move(path), std::move(id), std::move(done));
}
std::function<void(command_handle)> client::canceller() const {
    return [weak = std::weak_ptr(self_)](command_handle command) {
        if (const auto self = weak.lock()) self->cancel(command);
    };
}
command_handle client::fetch(const content_id& id, std::string output) {
    return self_->command([&](client_core& core, time_point now) { return core.fetch(now, id, std::move(output)); });
}
command_handle client::fetch(const content_id& id, std::shared_ptr<output_sink> sink) {
    return self_->command([&](client_core& core, time_point now) { return core.fetch(now, id, std::move(sink)); });
}
command_handle client::import_file(std::string path, std::optional<content_id> id) {
    return self_->command([&](client_core& core, time_point now) { return core.import(now, std::move(path), std::move(id)); });
}
void client::pause(bool paused) {
    self_->command([&](client_core& core, time_point now) { return core.pause(now, paused), 0; });
}
void client::set_profile(device_profile profile) {
    self_->command([&](client_core& core, time_point now) { return core.set_profile(now, profile), 0; });
}
command_handle client::pin(const content_id& id, bool pinned) {
    return self_->command([&](client_core& core, time_point now) { return core.pin(now, id, pinned); });
}
command_handle client::remove(const content_id& id) {
    return self_->command([&](client_core& core, time_point now) { return core.remove(now, id); });
}
command_handle client::verify() {
    return self_->command([](client_core& core, time_point now) { return core.verify(now); });
}
void client::cancel(command_handle command) {
    self_->command([&](client_core& core, time_point now) { return core.cancel(now, command), 0; });
}
const client_core& client::core() const noexcept { return self_->core(); }
void client::stop() { self_->stop(); }

}  // namespace p2pdist
