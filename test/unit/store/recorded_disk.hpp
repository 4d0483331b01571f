#pragma once
// What a store did to its disk, and the disks that a power cut could leave behind: whatever was not synced may be there, be missing or be
// torn, and a name that was made, changed or removed may be so or not until its directory was synced.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "p2pdist/base/random.hpp"
#include "store_test_support.hpp"

namespace p2pdist::test {

class recorded_disk {
public:
    /// For file_store_options::fault; this object outlives the store.
    [[nodiscard]] std::function<std::optional<errc>(const store_step&)> recorder();
    /// Steps so far: what is answered now was done by these.
    [[nodiscard]] std::size_t steps() const;

    /// Makes `to` what could be left of `from`, a directory that was empty and durable when recording began, had the power failed after
    /// so many steps.
    void leave(const fs::path& from, const fs::path& to, std::size_t steps, random_source& random) const;

private:
    struct step {
        store_io what;
        fs::path path, target;
        std::uint64_t offset = 0;
        bytes data;
    };

    mutable std::mutex mutex_;
    std::vector<std::shared_ptr<const step>> steps_;

    friend class disk_after_cut;
};

}  // namespace p2pdist::test
