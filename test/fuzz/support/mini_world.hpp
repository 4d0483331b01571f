#pragma once
// A server and a few clients as cores, and everything that is about to happen to them as a list, so that a test can alter, drop, repeat
// and reorder it, and stand between the world and each call into a core. Deterministic; nothing real.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "p2pdist/client/client_core.hpp"
#include "p2pdist/content/memory_store.hpp"
#include "p2pdist/server/server_core.hpp"
#include "p2pdist/sim/seeded_entropy.hpp"

namespace p2pdist::fuzz {

/// A datagram on its way, or a request that a core gave out and that is not answered yet.
struct happening {
    time_point at{};
    std::size_t node = 0;       ///< whom it happens to
    std::size_t by = 0;         ///< of a datagram: the sender's number, or none_of_them
    endpoint from, local;       ///< of a datagram
    bytes data;
    std::optional<store_request> store;
    std::optional<catalogue_request> catalogue;
    std::optional<fallback_request> fallback;
    std::optional<errc> failure;   ///< what a request is answered with

    [[nodiscard]] bool is_datagram() const noexcept { return !store && !catalogue && !fallback; }
};
inline constexpr std::size_t none_of_them = SIZE_MAX;

struct mini_options {
    std::size_t clients = 2;
    std::vector<std::uint64_t> content_bytes = {3000};
    hash_kind kind = hash_kind::sha256_tree;
    bool on_server = true;           ///< the server's file store has the contents
    bool on_cdn = false;
    std::size_t in_branch = 0;       ///< the last so many clients are in an office below the central one
};

class mini_world {
public:
    /// Node 0 is the server, then the clients. Nothing runs yet. `crypto` outlives it.
    mini_world(const crypto_suite& crypto, mini_options options);

    /// Stands around every call into a core. False: the call did not come to its end, and the core is not used further in this turn.
    std::function<bool(std::size_t node, const std::function<void()>& call)> guard;

    void start(std::size_t node);
    void stop(std::size_t node);      ///< as by a power cut; what was durable stays
    void start_all();
    [[nodiscard]] bool is_up(std::size_t node) const { return node == 0 ? server_ != nullptr : cores_[node] != nullptr; }
    [[nodiscard]] std::size_t nodes() const noexcept { return cores_.size(); }
    [[nodiscard]] client_core& client(std::size_t node) { return *cores_[node]; }
    [[nodiscard]] server_core& server() { return *server_; }
    [[nodiscard]] const ip_address& address(std::size_t node) const { return addresses_[node]; }
    [[nodiscard]] peer_info peer(std::size_t node) const;
    [[nodiscard]] const content_info& content(std::size_t index) const { return contents_[index]; }
    [[nodiscard]] std::size_t contents() const noexcept { return contents_.size(); }
    [[nodiscard]] memory_store& store(std::size_t node) { return *stores_[node]; }
    [[nodiscard]] const catalogue_snapshot& durable() const noexcept { return durable_; }

    /// A call of the test into a core, with what comes out of it. False: as guard says.
    bool call(std::size_t node, const std::function<void()>& what);
    /// Fetches it and writes it to "out-ID".
    void fetch(std::size_t node, std::size_t index);
    /// Whether the output file is there, and whether it is what was published.
    [[nodiscard]] bool has_output(std::size_t node, std::size_t index);
    [[nodiscard]] bool output_is_right(std::size_t node, std::size_t index);

    /// What is about to happen, to be altered at will.
    std::vector<happening> pending;
    /// It happens now.
    void perform(happening what);
    /// The next of `pending` and of the cores' timers. False: nothing ever happens again.
    bool step();
    /// Time passes; timers that come due run, other things don't happen.
    void pass(duration span);
    [[nodiscard]] bool run_until(const std::function<bool()>& done, duration limit, std::size_t steps_max);
    void set_wall_offset(std::int64_t seconds) { wall_offset_ = seconds; }
    [[nodiscard]] time_point now() const noexcept { return now_; }
    [[nodiscard]] wall_time wall() const noexcept;
    /// Outputs of all cores so far.
    [[nodiscard]] std::uint64_t outputs() const noexcept { return outputs_; }

    std::function<void(const happening&)> watch;      ///< told of every datagram that sets out
    std::vector<std::vector<command_done>> done;      ///< by node
    std::vector<channel_send> to_connectors;

private:
    void pump(std::size_t node);
    void take(std::size_t node, client_output&& output);
    void take(server_output&& output);
    void put(std::size_t node, send_datagram&& datagram);
    void answer(const happening& what);
    void read_fallback(const happening& what);
    [[nodiscard]] time_point deadline(std::size_t node) const;
    void wake(std::size_t node);
    [[nodiscard]] bool guarded(std::size_t node, const std::function<void()>& what) { return guard ? guard(node, what) : (what(), true); }

    const crypto_suite& crypto_;
    mini_options options_;
    server_config server_config_;
    catalogue_snapshot durable_;
    std::unique_ptr<server_core> server_;
    std::vector<client_config> configs_;
    std::vector<ip_address> addresses_;
    std::vector<std::unique_ptr<sim::seeded_entropy>> random_;
    std::vector<std::unique_ptr<client_core>> cores_;   // the first stays empty
    std::vector<std::unique_ptr<memory_store>> stores_;
    std::vector<time_point> woken_;
    std::vector<content_info> contents_;
    std::vector<bytes> bytes_;
    time_point now_{std::chrono::seconds(1000)};
    std::int64_t wall_offset_ = 0;
    std::uint64_t outputs_ = 0;
};

}  // namespace p2pdist::fuzz
