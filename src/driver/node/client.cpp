#include "p2pdist/driver/client.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include <asio/dispatch.hpp>

#include "net/core_loop.hpp"
#include "net/port_set.hpp"
#include "node/client_setup.hpp"
#include "node/content_reading.hpp"
#include "node/event_channel.hpp"
#include "node/file_content_store.hpp"
#include "node/or_fail.hpp"
#include "node/program_calls.hpp"
#include "node/secret_file.hpp"
#include "p2pdist/driver/device.hpp"
#include "p2pdist/driver/openssl_crypto.hpp"
#include "source/fallback_reader.hpp"

namespace p2pdist {
namespace {

constexpr auto wall_clock_period = std::chrono::seconds(30);

}  // namespace

class client::implementation : public std::enable_shared_from_this<implementation> {
public:
    using command_operation = std::shared_ptr<detail::operation<std::error_code, fetch_result>>;

    implementation(executor_type executor, client_options options)
        : executor_(std::move(executor)),
          options_(std::move(options)),
          crypto_(make_openssl_crypto()),
          random_(make_system_entropy()),
          core_(*crypto_, *random_, core_config(), net::monotonic_now(), net::wall_now()),
          loop_(executor_, core_, *this),
          wall_timer_(executor_),
          ports_(value_or_fail(open_ports())) {}

    /// What needs weak_from_this(). Nothing runs on the executor before it is done.
    void start() {
        store_ = options_.store ? options_.store : std::make_shared<file_content_store>(options_);
        const auto opened = store_->open(*crypto_, [weak = weak_from_this(), executor = executor_](store_completion done) {
            asio::post(executor, [weak, done = std::move(done)]() mutable {
                if (const auto self = weak.lock(); self && !self->stopped_) self->on_store_done(std::move(done));
            });
        });
        if (!opened) fail(opened.error());
        asio::post(executor_, [weak = weak_from_this()] {
            if (const auto self = weak.lock(); self && !self->stopped_) self->begin_to_run();
        });
    }

    // What the core gives out.
    void perform(time_point, send_datagram&& datagram) { ports_.send(std::move(datagram)); }
    void perform(time_point, store_request&& request) {
        store_completion failed{request.id, std::nullopt, store_done{}, {}};
        try {
            store_->submit(std::move(request));
        } catch (...) {   // a store of the program's: its request is answered all the same
            failed.failure = error{errc::io_failed, "the content_store threw: " + thrown_text()};
            asio::post(executor_, [weak = weak_from_this(), failed = std::move(failed)]() mutable {
                if (const auto self = weak.lock(); self && !self->stopped_) self->on_store_done(std::move(failed));
            });
        }
    }
    void perform(time_point, fallback_request&& request) {
        if (fallback_) fallback_->start(std::move(request));
    }
    void perform(time_point, fallback_cancel&& request) {
        if (fallback_) fallback_->cancel(request.id);
    }
    void perform(time_point, client_event&& event) { events_.push_back(std::move(event)); }

    /// Sends, then tells the program. Its handler comes last: it may give commands, or stop this client, and client_stopped is the last
    /// event that anybody hears.
    void after_pump() {
        ports_.flush();
        while (!events_.empty() && !stopped_) tell_next();
    }
    void set_handler(std::function<void(const client_event&)> handler) {
        handler_ = handler ? std::make_shared<const std::function<void(const client_event&)>>(std::move(handler)) : nullptr;
    }

    // What the program asks for, on the executor.
    void begin(const command_operation& op, const command_starter& start_command) {
        if (const auto obstacle = why_not()) return op->complete(obstacle->error_code(), {{}, {}, {}, obstacle->message, {}});
        const auto command = start_command(core_, net::monotonic_now());
        waiting_[command] = op;
        loop_.turn();
    }
    void cancel(const command_operation& op) {
        const auto found = std::ranges::find(waiting_, op, &decltype(waiting_)::value_type::second);
        if (found != waiting_.end()) cancel(found->first);
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
    /// A command whose end is an event, unless there is no room for one more.
    template <class Command>
    command_handle tracked(Command give) {
        return why_not() ? command_handle{} : command(std::move(give));
    }

    void add(const std::shared_ptr<detail::event_channel>& channel) {
        if (stopped_) {   // before the stream was heard of
            channel->push(client_stopped{});
            return channel->end(errc::cancelled);
        }
        std::erase_if(channels_, [](const auto& one) { return one.expired(); });
        if (channels_.size() >= limits::event_streams_max) return channel->end(errc::limit_reached);
        channels_.push_back(channel);
    }

    void read(const std::shared_ptr<detail::content_reading>& reading, const content_id& id) {
        if (auto obstacle = why_not()) return reading->on_end(obstacle);
        const auto command = core_.read(net::monotonic_now(), id);
        readings_[command] = reading;
        reading->begin(command, {[weak = weak_from_this(), command] {
                            const auto self = weak.lock();
                            if (!self || self->stopped_) return;
                            self->core_.read_on(net::monotonic_now(), command);
                            self->loop_.turn();
                        },
                        [weak = weak_from_this(), command] {
                            if (const auto self = weak.lock()) self->cancel(command);
                        }});
    }

    void stop() {
        if (std::exchange(stopped_, true)) return;
        const auto self = shared_from_this();   // the event handler may drop the client
        core_.stop(net::monotonic_now());
        pump(core_, net::monotonic_now(), *this);
        loop_.stop();
        wall_timer_.cancel();
        ports_.flush();
        ports_.close();
        fallback_.reset();
        if (store_) store_->stop();
        store_.reset();
        while (!events_.empty()) tell_next();
        for (const auto& channel : channels_) {
            if (const auto open = channel.lock()) open->end(errc::cancelled);
        }
    }

    executor_type executor_;
    client_core& core() noexcept { return core_; }

private:
    client_config core_config() {
        finds_address_ = options_.core.address.is_unspecified();
        finds_broadcast_ = finds_address_ && !options_.core.broadcast;
        complete_options(options_, *random_);
        own_profile_ = options_.core.profile == device_profile{};
        if (own_profile_) options_.core.profile = current_profile(options_);
        return options_.core;
    }

    std::optional<endpoint> broadcast_endpoint() const {
        const auto& core = options_.core;
        return core.broadcast ? std::optional(endpoint{*core.broadcast, core.ports[port_use::broadcast]}) : std::nullopt;
    }

    result<net::port_set> open_ports() const {
        const auto& core = options_.core;
        return net::port_set::open(executor_, core.address, net::unicast_ports(core.ports, role::client), broadcast_endpoint(), options_.plain_udp);
    }

    net::datagram_sink to_core() {
        return [this](const received_datagram& datagram) { core_.on_datagram(net::monotonic_now(), datagram); };
    }

    void start_ports() {
        ports_.start(to_core(), [this] { loop_.turn(); });
    }

    /// The ports of the address that is in the options now; where that is the old one only broadcasts are heard elsewhere.
    result<void> move_ports(bool address_stays) {
        if (address_stays) return ports_.move_broadcast(executor_, broadcast_endpoint(), options_.plain_udp, to_core(), [this] { loop_.turn(); });
        auto ports = open_ports();
        if (!ports) return ports.error();
        ports_.close();
        ports_ = std::move(*ports);
        start_ports();
        return {};
    }

    /// Another lease, network or VPN: on with the address by which the server is reached now. While none is, the old one may come back.
    void follow_address() {
        if (!finds_address_) return;
        auto& core = options_.core;
        const auto own = find_own_address(std::nullopt, core.servers.front());
        if (!own || (own->address == core.address && own->prefix_bits == core.prefix_bits && (!finds_broadcast_ || own->broadcast == core.broadcast))) return;
        const auto before = std::tuple(core.address, core.prefix_bits, core.broadcast);
        std::tie(core.address, core.prefix_bits) = std::tie(own->address, own->prefix_bits);
        if (finds_broadcast_) core.broadcast = own->broadcast;
        if (const auto moved = move_ports(core.address == std::get<0>(before)); !moved) {   // looked at again the next time
            core.log(log_level::warning, "event=address_unusable address=" + core.address.to_string() + " reason=\"" + moved.error().message + '"');
            std::tie(core.address, core.prefix_bits, core.broadcast) = before;
            return;
        }
        core.log(log_level::info, "event=address_changed address=" + core.address.to_string() + "/" + std::to_string(core.prefix_bits));
        core_.set_address(net::monotonic_now(), core.address, core.prefix_bits, core.broadcast);
    }

    void begin_to_run() {
        fallback_ = std::make_unique<fallback_reader>(executor_, options_.file_store, fallback_handlers{
            [this](std::uint64_t request, std::uint64_t offset, shared_bytes data) {
                core_.on_fallback_data(net::monotonic_now(), request, offset, std::move(data));
                loop_.turn();
            },
            [this](std::uint64_t request, std::optional<error> failure) {
                core_.on_fallback_done(net::monotonic_now(), request, std::move(failure));
                loop_.turn();
            }});
        start_ports();
        core_.on_wall_clock(net::monotonic_now(), net::wall_now());   // what a later reading is compared with (SEC-2)
        keep_time();
        turn_soon();   // after what the program asked for meanwhile
    }

    /// Never inside an initiating function: a handler must not run before it returns.
    void turn_soon() {
        asio::post(executor_, [weak = weak_from_this()] {
            if (const auto self = weak.lock(); self && !self->stopped_) self->loop_.turn();
        });
    }

    [[nodiscard]] std::optional<error> why_not() const {
        if (stopped_) return error{errc::cancelled, "the client was stopped"};
        for (const auto& channel : channels_) {
            if (const auto open = channel.lock(); open && open->full())
                return error{errc::limit_reached, "too many events of this client wait to be read: read the event_stream, or drop it"};
        }
        return std::nullopt;
    }

    void on_store_done(store_completion done) {
        core_.on_store_done(net::monotonic_now(), std::move(done));
        loop_.turn();
    }

    void tell_next() {
        const auto event = std::move(events_.front());
        events_.pop_front();
        keep_credentials(event);  // which may add a notice
        hand_on(event);
        const auto handler = handler_;   // it may set another
        if (handler && !std::holds_alternative<client_piece>(event)) call_program(executor_, [&] { (*handler)(event); });
    }

    void keep_credentials(const client_event& event) {
        const auto* enrolled = std::get_if<client_enrolled>(&event);
        if (!enrolled) return;
        const auto kept = write_secret_file(credentials_file(options_), enrolled->credentials);
        if (!kept) events_.push_back(client_notice{log_level::error, kept.error().message + ": this device may have to enrol again at its next start"});
    }

    /// To whom an event belongs: a reader, the operation that it ends, and all streams.
    void hand_on(const client_event& event) {
        if (const auto* piece = std::get_if<client_piece>(&event)) {
            if (const auto found = readings_.find(piece->command); found != readings_.end()) found->second->on_piece(piece->data);
            return;
        }
        for (const auto& channel : channels_) {
            if (const auto open = channel.lock()) open->push(event);
        }
        const auto* done = std::get_if<command_done>(&event);
        if (!done) return;
        if (const auto op = waiting_.extract(done->command)) {
            fetch_result what{done->content, done->split, done->took, done->failure ? done->failure->message : std::string(), done->command};
            op.mapped()->complete(done->failure ? done->failure->error_code() : std::error_code(), std::move(what));
        }
        if (const auto reading = readings_.extract(done->command)) reading.mapped()->on_end(done->failure);
    }

    void keep_time() {
        wall_timer_.expires_after(wall_clock_period);
        wall_timer_.async_wait([weak = weak_from_this()](std::error_code failure) {
            const auto self = weak.lock();
            if (failure || !self || self->stopped_) return;
            self->keep_time();
            self->core_.on_wall_clock(net::monotonic_now(), net::wall_now());
            self->follow_address();
            if (self->own_profile_) self->core_.set_profile(net::monotonic_now(), current_profile(self->options_));
            self->loop_.turn();
        });
    }

    client_options options_;
    bool own_profile_ = false;      // the program left it to us
    bool finds_address_ = false;    // the same
    bool finds_broadcast_ = false;
    std::unique_ptr<crypto_suite> crypto_;
    std::unique_ptr<entropy> random_;
    client_core core_;
    net::core_loop<client_core, implementation> loop_;
    asio::steady_timer wall_timer_;
    net::port_set ports_;
    std::shared_ptr<content_store> store_;
    std::unique_ptr<fallback_reader> fallback_;
    std::deque<client_event> events_;
    std::shared_ptr<const std::function<void(const client_event&)>> handler_;
    std::map<command_handle, command_operation> waiting_;
    std::map<command_handle, std::shared_ptr<detail::content_reading>> readings_;
    std::vector<std::weak_ptr<detail::event_channel>> channels_;
    bool stopped_ = false;
};

client::client(const executor_type& executor, client_options options) {
    self_ = std::make_shared<implementation>(one_at_a_time(executor), std::move(options));
    self_->start();
}
client::~client() {
    self_->set_handler(nullptr);   // what it refers to may be half gone
    self_->stop();
    // It may be below us on the stack, and on a strand a handler that was queued before stop() may be looking at it.
    auto executor = self_->executor_;
    asio::post(executor, [kept = std::move(self_)] {});
}

client::executor_type client::get_executor() const noexcept { return self_->executor_; }
void client::set_event_handler(std::function<void(const client_event&)> handler) {
    asio::dispatch(self_->executor_, [self = self_, handler = std::move(handler)]() mutable { self->set_handler(std::move(handler)); });
}
detail::prepared_operation client::prepare_command(const std::shared_ptr<implementation>& self, command_starter start, command_completion done) {
    using operation = implementation::command_operation;
    return detail::prepare(
        self->executor_, std::move(done), [self, start = std::move(start)](const operation& op) { self->begin(op, start); },
        [weak = std::weak_ptr(self)](const operation& op) {
            if (const auto alive = weak.lock()) alive->cancel(op);
        });
}
detail::prepared_operation client::prepare_stop(const std::shared_ptr<implementation>& self,
                                                std::unique_ptr<detail::completion<std::error_code>> done) {
    return detail::prepare_stop(self->executor_, self, std::move(done));
}
command_handle client::fetch(const content_id& id, std::string output) {
    return self_->tracked([&](client_core& core, time_point now) { return core.fetch(now, id, std::move(output)); });
}
std::shared_ptr<output_sink> client::guarded(std::shared_ptr<output_sink> sink) {
    return sink ? std::make_shared<guarded_sink>(std::move(sink)) : nullptr;
}
command_handle client::fetch(const content_id& id, std::shared_ptr<output_sink> sink) {
    return self_->tracked([&](client_core& core, time_point now) { return core.fetch(now, id, guarded(std::move(sink))); });
}
command_handle client::import_file(std::string path, std::optional<content_id> id) {
    return self_->tracked([&](client_core& core, time_point now) { return core.import(now, std::move(path), std::move(id)); });
}
void client::pause(bool paused) {
    self_->command([&](client_core& core, time_point now) { return core.pause(now, paused), 0; });
}
void client::set_profile(device_profile profile) {
    self_->command([&](client_core& core, time_point now) { return core.set_profile(now, profile), 0; });
}
command_handle client::pin(const content_id& id, bool pinned) {
    return self_->tracked([&](client_core& core, time_point now) { return core.pin(now, id, pinned); });
}
command_handle client::remove(const content_id& id) {
    return self_->tracked([&](client_core& core, time_point now) { return core.remove(now, id); });
}
command_handle client::verify() {
    return self_->tracked([](client_core& core, time_point now) { return core.verify(now); });
}
void client::cancel(command_handle command) {
    self_->command([&](client_core& core, time_point now) { return core.cancel(now, command), 0; });
}
const client_core& client::core() const noexcept { return self_->core(); }
void client::stop() { self_->stop(); }

event_stream::event_stream(client& node) : executor_(node.get_executor()), channel_(std::make_shared<detail::event_channel>(executor_)) {
    asio::post(executor_, [self = node.self_, channel = channel_] { self->add(channel); });
}
event_stream::~event_stream() {
    if (channel_) asio::post(executor_, [channel = std::move(channel_)] { channel->end(errc::cancelled); });
}
event_stream& event_stream::operator=(event_stream&& other) noexcept {
    if (this == &other) return *this;
    const event_stream dropped(std::move(*this));
    executor_ = std::move(other.executor_);
    channel_ = std::move(other.channel_);
    return *this;
}
std::optional<client_event> event_stream::try_next() { return channel_->take(); }
detail::prepared_operation event_stream::prepare_next(const std::shared_ptr<detail::event_channel>& channel, next_completion done) {
    using operation = detail::event_channel::next_operation;
    return detail::prepare(
        channel->executor(), std::move(done), [channel](const operation& op) { channel->next(op); },
        [](const operation& op) { op->complete(make_error_code(errc::cancelled), {}); });
}

content_reader::content_reader(client& node, content_id id)
    : executor_(node.get_executor()), reading_(std::make_shared<detail::content_reading>(executor_)) {
    asio::post(executor_, [self = node.self_, reading = reading_, id = std::move(id)] { self->read(reading, id); });
}
content_reader::~content_reader() { cancel(); }
content_reader& content_reader::operator=(content_reader&& other) noexcept {
    if (this == &other) return *this;
    const content_reader dropped(std::move(*this));
    executor_ = std::move(other.executor_);
    reading_ = std::move(other.reading_);
    return *this;
}
command_handle content_reader::command() const noexcept { return reading_->command(); }
void content_reader::cancel() {
    if (reading_) asio::post(executor_, [reading = reading_] { reading->cancel(); });
}
detail::prepared_operation content_reader::prepare_read(const std::shared_ptr<detail::content_reading>& reading, asio::mutable_buffer into,
                                                 read_completion done) {
    using operation = detail::content_reading::read_operation;
    return detail::prepare(
        reading->executor(), std::move(done), [reading, into](const operation& op) { reading->read(into, op); },
        [](const operation& op) { op->complete(make_error_code(errc::cancelled), 0); });
}

}  // namespace p2pdist
