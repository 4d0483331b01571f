#include "client_world.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "p2pdist/base/pump.hpp"
#include "p2pdist/content/hash_tree.hpp"
#include "p2pdist/content/tree_file.hpp"
#include "p2pdist/wire/frame.hpp"

namespace p2pdist::test {
namespace {

constexpr std::int64_t wall_start = 1'800'000'000;
constexpr std::size_t header_bytes = 28;  // IP and UDP

log_sink trace(const std::string& who, const virtual_clock& clock) {
    static const bool wanted = std::getenv("P2PDIST_TEST_TRACE") != nullptr;
    if (!wanted) return {};
    return {log_level::debug, [who, &clock](log_level, std::string_view line) {
                std::cerr << std::chrono::duration<double>(clock.now().time_since_epoch()).count() << ' ' << who << ' ' << line << '\n';
            }};
}

bool is_data(const send_datagram& datagram) {
    const auto type = frame_type_of(datagram.header);
    return type == frame_type::data || type == frame_type::data_strict;
}

wall_time wall_at(time_point now) {
    return {wall_start + std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count()};
}

}  // namespace

ip_address address(const std::string& text) { return ip_address::parse(text).value(); }
content_id id_of_text(const std::string& text) { return content_id::parse(text).value(); }
secret_key key_of(std::uint64_t number) {
    seeded_entropy random(number * 7919 + 17);
    return random.array<32>();
}
bytes in_format_2(bytes saved) {
    saved[credentials::size_bytes + certificate::size_bytes] = 2;
    saved.resize(saved.size() - digest{}.size());
    return saved;
}
bytes some_bytes(std::size_t size, std::uint64_t seed) {
    bytes out(size);
    seeded_entropy(seed).fill(out);
    return out;
}

// ---- a device

device::device(client_world& world, std::string at, std::uint64_t number, device_profile profile)
    : store(crypto()), where(address(at)), world_(&world), number_(number) {
    config.identity = key_of(number);
    config.enrolment = world.enrolment;
    config.servers = {world.server_address_};
    config.address = where;
    config.prefix_bits = 24;
    config.broadcast = subnet::of(where, 24).broadcast();
    config.profile = profile;
    config.host_name = "host-" + at;
    config.jitter_seed = number;
    config.log = trace(at, world.clock);
    id_ = identity_from_secret(crypto(), config.identity).id;
}

void device::start() {
    random_ = std::make_unique<seeded_entropy>(number_ * 31 + static_cast<std::uint64_t>(++generation_));
    core_ = std::make_unique<client_core>(crypto(), *random_, config, world_->now(), wall_at(world_->now()));
    pump();
}

void device::stop() {
    core_.reset();
    ++generation_;
    armed_ = never;
    store.restart();
}

command_handle device::fetch(const std::string& id, std::string output) {
    return with([&](client_core& core) { return core.fetch(world_->now(), id_of_text(id), std::move(output)); });
}
command_handle device::import(const std::string& path, std::optional<std::string> id) {
    std::optional<content_id> name;
    if (id) name = id_of_text(*id);
    return with([&](client_core& core) { return core.import(world_->now(), path, name); });
}
void device::pause(bool paused) {
    core_->pause(world_->now(), paused);
    pump();
}

const command_done* device::done(command_handle handle) const {
    for (const auto& one : finished) {
        if (one.command == handle) return &one;
    }
    return nullptr;
}

void device::pump() {
    struct io {
        device* self;
        void perform(time_point, send_datagram&& what) { self->perform(std::move(what)); }
        void perform(time_point, store_request&& what) { self->perform(std::move(what)); }
        void perform(time_point, fallback_request&& what) { self->perform(std::move(what)); }
        void perform(time_point, fallback_cancel&& what) { self->perform(what); }
        void perform(time_point, client_event&& what) { self->perform(std::move(what)); }
    } hands{this};
    p2pdist::pump(*core_, world_->now(), hands);
    arm();
}

void device::arm() {
    const auto deadline = core_->deadline();
    if (deadline == never || deadline >= armed_) return;
    armed_ = std::max(deadline, world_->now());
    world_->clock.at(armed_, [this, generation = generation_, when = armed_] {
        if (generation != generation_ || !core_ || armed_ != when) return;
        armed_ = never;
        core_->on_wall_clock(world_->now(), {wall_at(world_->now()).seconds + world_->wall_offset_s});
        core_->on_timer(world_->now());
        pump();
    });
}

void device::perform(client_output&& output) {
    if (auto* datagram = std::get_if<send_datagram>(&output)) {
        source_ports.insert(datagram->from_port);
        world_->clock.at(world_->now(), [world = world_, from = where, what = std::move(*datagram)]() mutable { world->carry(from, std::move(what)); });
    } else if (auto* request = std::get_if<store_request>(&output)) {
        auto answer = std::make_shared<store_completion>(store.execute(*request));
        world_->clock.after(1ms, [this, answer, generation = generation_] {
            if (generation != generation_) return;
            core_->on_store_done(world_->now(), std::move(*answer));
            pump();
        });
    } else if (auto* read = std::get_if<fallback_request>(&output)) {
        read_fallback(*read);
    } else if (auto* stop = std::get_if<fallback_cancel>(&output)) {
        cancelled_.insert(stop->id);
    } else if (auto* event = std::get_if<client_event>(&output)) {
        if (auto* enrolled = std::get_if<client_enrolled>(event)) config.saved_credentials = enrolled->credentials;
        if (auto* fresh = std::get_if<client_registered>(event)) registered = *fresh;
        if (auto* note = std::get_if<client_notice>(event)) notices.push_back(note->text);
        if (auto* over = std::get_if<command_done>(event)) finished.push_back(*over);
        if (auto* piece = std::get_if<client_piece>(event)) pieces.push_back(*piece);
        if (std::holds_alternative<client_stopped>(*event)) ++stops;
        if (auto* moved = std::get_if<client_progress>(event)) {
            progress[moved->transfer.content.id.text()] = moved->transfer;
            reasons.insert(moved->transfer.reason);
        }
    }
}

void device::read_fallback(const fallback_request& request) {
    const bool tree = request.what == fallback_request::target::tree;
    const auto& name = request.content.id.text();
    const bool of_cdn = request.from == source_kind::cdn;
    const auto& shelf = of_cdn ? world_->cdn : world_->files;
    const auto found = shelf.find(of_cdn ? request.url : tree ? name + ".tree" : name);
    if (found == shelf.end()) {
        world_->clock.after(20ms, [this, id = request.id, generation = generation_] {
            if (generation != generation_) return;
            core_->on_fallback_done(world_->now(), id, error{errc::source_failed, "not found"});
            pump();
        });
        return;
    }
    const auto begin = std::min<std::uint64_t>(request.range.offset, found->second.size());
    const auto end = std::min<std::uint64_t>(request.range.end(), found->second.size());
    if (!tree) (of_cdn ? world_->cdn_read : world_->files_read)[name] += end - begin;
    feed(request.id, begin, std::make_shared<const bytes>(found->second), static_cast<std::size_t>(begin), static_cast<std::size_t>(end),
         generation_);
}

/// 256 KiB every 20 ms: about 13 MB/s.
void device::feed(std::uint64_t request, std::uint64_t, std::shared_ptr<const bytes> data, std::size_t at, std::size_t end, int generation) {
    world_->clock.after(20ms, [this, request, data, at, end, generation] {
        if (generation != generation_ || cancelled_.contains(request)) return;
        const auto size = std::min<std::size_t>(end - at, 262144);
        if (size > 0) {
            core_->on_fallback_data(world_->now(), request, at, shared_bytes(data, byte_span(*data).subspan(at, size)));
            pump();
        }
        if (at + size < end) return feed(request, 0, data, at + size, end, generation);
        core_->on_fallback_done(world_->now(), request, std::nullopt);
        pump();
    });
}

// ---- the world

client_world::client_world(world_options chosen) : options(std::move(chosen)), server_store_(crypto()) {
    server_address_ = address("10.0.0.5");
    auto parsed = parse_spreadsheet(options.topology);
    if (!parsed) throw std::runtime_error("bad topology: " + parsed.refusals().front().to_string());
    offices_ = *parsed;
    std::uint64_t seed = 100;
    for (const auto& office : offices_->offices()) {
        link_config config;
        config.bits_per_second = options.wan_bits_per_second;
        config.delay = options.wan_delay;
        config.loss = options.wan_loss;
        config.queue_bytes = 256 * 1024;
        auto& made = links_[office.name];
        config.seed = ++seed;
        made.up = std::make_unique<link>(clock, config);
        config.seed = ++seed;
        made.down = std::make_unique<link>(clock, config);
    }
    durable.topology = {1, options.topology, true};
    durable.versions.topology = 1;
    durable.versions.settings = 1;
    durable.versions.key_epoch = 1;
    durable.versions.activated = options.activated;
    durable.licence = {"licence", 100, options.activated};
    start_server();
}

client_world::~client_world() = default;

device& client_world::add(const std::string& where, std::uint64_t free_gib) {
    device_profile profile;
    profile.free_storage_bytes = free_gib << 30;
    profile.usable_storage_bytes = free_gib << 30;
    profile.version = 1;
    devices.push_back(std::make_unique<device>(*this, where, next_number_++, profile));
    devices.back()->start();
    return *devices.back();
}

content_info client_world::publish(const std::string& id, const bytes& data, bool on_server, hash_kind kind) {
    content_info content;
    content.id = id_of_text(id);
    content.size_bytes = data.size();
    content.hash.kind = kind;
    content.hash.value = kind == hash_kind::sha256_tree ? make_tree(crypto(), data).root() : crypto().sha256({data});
    apply(durable, put_content{{content, wall_time{wall_start}}});
    ++durable.versions.contents;
    if (on_server) server_store_.files()[id] = data;
    start_server();
    return content;
}

void client_world::start_server() {
    server_config config;
    config.identity = key_of(server_keys);
    config.signing = key_of(server_keys + 1);
    config.enrolment = enrolment;
    config.group = key_of(2002);
    config.address = server_address_;
    config.has_file_store = options.server_has_file_store;
    config.heartbeat_interval = options.heartbeat;
    config.log = trace("server", clock);
    ++server_generation_;
    server_armed_ = never;
    server_store_.restart();
    server_random_ = std::make_unique<seeded_entropy>(9000 + static_cast<std::uint64_t>(server_generation_));
    server_ = std::make_unique<server_core>(crypto(), *server_random_, config, now(), wall_at(now()));
    server_->load(now(), durable);
    pump_server();
}

void client_world::stop_server() {
    server_.reset();
    ++server_generation_;
    server_armed_ = never;
}

void client_world::set_activated(bool activated) {
    durable.versions.activated = activated;
    durable.licence.activated = activated;
    start_server();
}

void client_world::set_key_epoch(std::uint16_t epoch) {
    durable.versions.key_epoch = epoch;
    start_server();
}

void client_world::set_revoked(const std::vector<client_id>& ids, std::uint16_t epoch, std::uint16_t oldest) {
    for (auto& client : durable.clients) {
        const bool listed = std::find(ids.begin(), ids.end(), client.id) != ids.end();
        client.revoked = listed ? std::optional(revocation_record{wall_at(now()), 1, "stolen"}) : std::nullopt;
    }
    durable.versions.key_epoch = epoch;
    ++durable.versions.revocations;
    durable.epochs = {oldest, wall_at(now()), wall_at(now())};
    start_server();
}

void client_world::set_setting(const std::string& key, const std::string& value) {
    apply(durable, put_setting{key, value});
    ++durable.versions.settings;
    start_server();
}

void client_world::pump_server() {
    while (auto output = server_->poll(now())) {
        if (auto* datagram = std::get_if<send_datagram>(&*output)) {
            clock.at(now(), [this, what = std::move(*datagram)]() mutable { carry(server_address_, std::move(what)); });
        } else if (auto* request = std::get_if<catalogue_request>(&*output)) {
            const bool fails = commit_fails && commit_fails(*request);
            for (const auto& change : request->changes) {
                if (!fails) apply(durable, change);
            }
            clock.after(2ms, [this, id = request->id, fails, generation = server_generation_] {
                if (generation != server_generation_) return;
                server_->on_catalogue_done(now(), {id, fails ? result<void>(error{errc::database_failed, "the disk is full"}) : result<void>()});
                pump_server();
            });
        } else if (auto* stored = std::get_if<store_request>(&*output)) {
            auto answer = std::make_shared<store_completion>(server_store_.execute(*stored));
            clock.after(1ms, [this, answer, generation = server_generation_] {
                if (generation != server_generation_) return;
                server_->on_store_done(now(), std::move(*answer));
                pump_server();
            });
        }
    }
    const auto deadline = server_->deadline();
    if (deadline == never || deadline >= server_armed_) return;
    server_armed_ = std::max(deadline, now());
    clock.at(server_armed_, [this, generation = server_generation_, when = server_armed_] {
        if (generation != server_generation_ || server_armed_ != when) return;
        server_armed_ = never;
        server_->on_wall_clock(now(), wall_at(now()));
        server_->on_timer(now());
        pump_server();
    });
}

std::string client_world::office_of(const ip_address& where) const {
    const auto found = offices_->office_of(where);
    return found ? (*offices_)[*found].name : std::string();
}

std::vector<std::string> client_world::path_of(const ip_address& where) const {
    std::vector<std::string> out;
    const auto own = offices_->office_of(where);
    for (const auto index : offices_->path_to_central(own.value_or(offices_->central()))) out.push_back((*offices_)[index].name);
    return out;
}

void client_world::cut(const std::string& office, bool down) {
    links_.at(office).up->set_down(down);
    links_.at(office).down->set_down(down);
}

std::uint64_t client_world::content_in(const std::string& office) const { return links_.at(office).content_in; }

void client_world::carry(const ip_address& from, send_datagram datagram) {
    ++datagrams;
    if (loses && loses(from, datagram)) return;
    auto shared = std::make_shared<send_datagram>(std::move(datagram));
    if (shared->broadcast) {
        for (const auto& one : devices) {
            if (one->where != from && subnet::of(one->where, 24) == subnet::of(from, 24)) {
                clock.after(options.lan_delay, [this, from, shared, to = one->where] { deliver(from, shared, to); });
            }
        }
        return;
    }
    const auto to = shared->to.address;
    // The sender's line, the links up to the common office, the links down, the receiver's line.
    auto line = [this](const ip_address& where) {
        auto& made = access_[where];
        if (!made) {
            link_config config;
            config.bits_per_second = 1e9;
            config.delay = options.lan_delay;
            config.loss = options.lan_loss;
            config.queue_bytes = 1 << 20;
            config.seed = access_.size() + 7;
            made = std::make_unique<link>(clock, config);
        }
        return made.get();
    };
    std::vector<link*> way{line(from)};
    auto up = path_of(from);
    auto down = path_of(to);
    while (!up.empty() && !down.empty() && up.back() == down.back()) {
        up.pop_back();
        down.pop_back();
    }
    for (const auto& office : up) way.push_back(links_.at(office).up.get());
    for (auto office = down.rbegin(); office != down.rend(); ++office) way.push_back(links_.at(*office).down.get());
    const bool data = is_data(*shared);
    const auto size = shared->size() + header_bytes;
    hop(std::move(way), 0, size, [this, from, to, shared, data, down] {
        if (data) {
            for (const auto& office : down) links_.at(office).content_in += shared->payload.view.size();
        }
        deliver(from, shared, to);
    });
}

void client_world::hop(std::vector<link*> way, std::size_t at, std::size_t size, std::function<void()> arrive) {
    if (at == way.size()) return arrive();
    auto* next = way[at];
    next->send(size, [this, way = std::move(way), at, size, arrive = std::move(arrive)] { hop(way, at + 1, size, arrive); });
}

void client_world::inject(const endpoint& from, const endpoint& to, bytes data) {
    auto datagram = std::make_shared<send_datagram>();
    datagram->from_port = from.port;
    datagram->to = to;
    datagram->header = std::move(data);
    deliver(from.address, datagram, to.address);
}

void client_world::deliver(const ip_address& from, const std::shared_ptr<send_datagram>& datagram, const ip_address& to) {
    bytes whole = datagram->header;
    whole.insert(whole.end(), datagram->payload.view.begin(), datagram->payload.view.end());
    received_datagram in;
    in.local = {datagram->broadcast ? datagram->to.address : to, datagram->to.port};
    in.from = {from, datagram->from_port};
    in.received_at = now();
    in.ecn = datagram->ecn;
    in.payload = whole;
    if (to == server_address_) {
        if (!server_) return;
        server_->on_datagram(now(), in);
        pump_server();
        return;
    }
    if (const auto other = members.find(to); other != members.end()) return other->second(in);
    for (const auto& one : devices) {
        if (one->where != to || !one->running()) continue;
        one->core_->on_datagram(now(), in);
        one->pump();
        return;
    }
}

void client_world::run_for(duration span) { clock.run_until(now() + span); }

bool client_world::run_until(const std::function<bool()>& holds, duration limit) {
    const auto end = now() + limit;
    while (now() < end) {
        if (holds()) return true;
        clock.run_until(std::min(end, now() + duration(5ms)));
    }
    return holds();
}

bool client_world::run_until_registered(duration limit) {
    return run_until(
        [this] {
            for (const auto& one : devices) {
                if (!one->running()) continue;
                const auto status = one->core().status();
                if (!status.registered || status.path.empty()) return false;
            }
            return true;
        },
        limit);
}

}  // namespace p2pdist::test
