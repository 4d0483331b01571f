#pragma once
// CDN and file store of a world: which contents lie there, and reading them at a rate.

#include <array>
#include <map>
#include <optional>
#include <vector>

#include "p2pdist/client/client_core.hpp"
#include "p2pdist/sim/generated_content.hpp"

namespace p2pdist::sim {

struct fallback_library {
    struct entry {
        generated_content content;
        bool cdn = false;
        bool file_store = false;
        bool tree_file = false;
    };
    std::map<content_key, entry> contents;
    double cdn_bytes_per_second = 0;
    double file_store_bytes_per_second = 0;
    std::array<std::uint64_t, source_kind_count> read_bytes{};   ///< of contents, by all clients
};

/// The reader of one client. next() gives the pieces of a reading one after another, each due at its time.
class fallback_reading {
public:
    explicit fallback_reading(fallback_library& library) : library_(&library) {}

    struct started {
        std::uint64_t slot = 0;
        time_point first_due{};
    };
    [[nodiscard]] started start(time_point now, fallback_request request);
    void cancel(std::uint64_t request);
    void clear() { readings_.clear(); }

    struct piece {
        std::uint64_t request = 0;
        std::uint64_t offset = 0;
        shared_bytes data;                   ///< empty at the end
        std::optional<error> failure;        ///< at the end
        bool last = false;
        time_point next_due{};
    };
    /// Nothing where the reading was cancelled.
    [[nodiscard]] std::optional<piece> next(time_point now, std::uint64_t slot);

private:
    struct reading {
        fallback_request request;
        std::uint64_t at = 0;
        std::uint64_t end = 0;
    };
    [[nodiscard]] const fallback_library::entry* find(const fallback_request& request) const;

    fallback_library* library_;
    std::map<std::uint64_t, reading> readings_;   // by slot
    std::uint64_t next_slot_ = 0;
};

}  // namespace p2pdist::sim
