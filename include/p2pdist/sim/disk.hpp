#pragma once
// A store on a simulated disk: requests wait their turn, take time, and take effect when they complete, so that a crash loses what was
// not done yet.

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "p2pdist/base/export.hpp"
#include "p2pdist/base/random.hpp"
#include "p2pdist/base/time.hpp"
#include "p2pdist/content/memory_store.hpp"

namespace p2pdist::sim {

/// How quick the disk is.
struct disk_settings {
    duration latency = std::chrono::microseconds(200);      ///< of every request
    duration sync_latency = std::chrono::milliseconds(8);   ///< more, of writes: journal and sync, shared by many of them
    std::uint64_t bytes_per_second = 400'000'000;           ///< of reading and writing; 0: infinitely fast
};

/// What is wrong with a disk. Shares are of the requests concerned, in [0, 1].
struct disk_trouble {
    bool full = false;         ///< whatever needs room: errc::no_space
    double failing = 0;        ///< reading and writing of contents: errc::io_failed
    double corrupt = 0;        ///< a chunk that is read has other bytes than were written: its hash tells, and it is missing from then on
    double slowness = 1;       ///< every request takes so many times longer

    /// Whether requests may fail.
    [[nodiscard]] bool any() const noexcept { return full || failing > 0 || corrupt > 0; }
    friend bool operator==(const disk_trouble&, const disk_trouble&) = default;
};

/// Distinct objects: safe. Shared: unsafe.
class P2PDIST_API disk {
public:
    /// With what the store holds already.
    disk(memory_store store, disk_settings settings) : store_(std::move(store)), settings_(settings) {}
    /// The same over a store of its own; the seed decides which requests meet with trouble.
    disk(const crypto_suite& crypto, memory_store_options options, disk_settings settings, std::uint64_t seed);

    /// A request that waits, and when it takes effect.
    struct ticket {
        std::uint32_t slot = 0;
        time_point done{};
    };
    /// Takes a request; take_effect() is due at `done`.
    [[nodiscard]] ticket submit(time_point now, store_request request);
    /// Its time has come: carries it out.
    [[nodiscard]] store_completion take_effect(std::uint32_t slot);
    /// Nobody hears of the requests that are not done any more. Each of them has taken effect all the same, or in part, or not: what is not
    /// synced may be on the disk. Contents are no longer in use.
    void crash(random_source& random);

    /// What is on the disk now.
    [[nodiscard]] memory_store& store() noexcept { return store_; }
    /// To be changed at will; counts for requests that are submitted or completed from then on.
    [[nodiscard]] disk_trouble& trouble() noexcept { return state_->trouble; }

private:
    struct shared_state {
        explicit shared_state(std::uint64_t seed) noexcept : random(seed) {}
        disk_trouble trouble;
        random_source random;
        [[nodiscard]] bool chance(double share) noexcept { return share > 0 && random.unit() < share; }
    };
    [[nodiscard]] std::optional<error> trouble_with(const store_request& request);

    std::shared_ptr<shared_state> state_ = std::make_shared<shared_state>(0);   // the store asks it too
    memory_store store_;
    disk_settings settings_;
    struct entry {
        store_request request;
        std::uint64_t number = 0;   // in the order of submission
    };
    std::vector<std::optional<entry>> waiting_;
    std::uint64_t submitted_ = 0;
    std::vector<std::uint32_t> free_;
    time_point busy_until_{};
};

}  // namespace p2pdist::sim
