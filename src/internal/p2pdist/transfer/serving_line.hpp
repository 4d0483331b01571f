#pragma once
// Whom a source serves that has no room for all who ask (RANK, SEC-3): clients and the server by the same rule.

#include <functional>
#include <optional>
#include <vector>

#include "p2pdist/base/export.hpp"
#include "p2pdist/transfer/transfer_engine.hpp"

namespace p2pdist {

/// The flows that are served, oldest first. Whoever has more than one flow more than the asker gives one up, whatever his rank; otherwise
/// the worst in rank waits, be it the one who asks or one who is being served. Distinct objects: safe. Shared: unsafe.
class P2PDIST_INTERNAL serving_line {
public:
    explicit serving_line(std::size_t flows_max) : flows_max_(flows_max) {}

    /// Whether the first of two peers comes before the second: a strict weak ordering.
    using ranking_rule = std::function<bool(const client_id& left, const client_id& right)>;
    struct verdict {
        bool admitted = false;
        std::optional<flow_handle> displaced;   ///< it makes room
    };
    /// A request to be served, which is admitted or denied by this.
    [[nodiscard]] verdict judge(const serve_request& request, const ranking_rule& ranks_before);
    void on_ended(const upload_ended& upload);
    [[nodiscard]] std::size_t size() const noexcept { return line_.size(); }

private:
    struct served {
        flow_handle flow;
        client_id peer;
    };
    using place = std::vector<served>::iterator;
    [[nodiscard]] std::optional<place> who_gives_way(const client_id& asker, const ranking_rule& ranks_before);

    std::size_t flows_max_;
    std::vector<served> line_;
};

}  // namespace p2pdist
