#include "p2pdist/transfer/serving_line.hpp"

#include <algorithm>
#include <map>

namespace p2pdist {

serving_line::verdict serving_line::judge(const serve_request& request, const ranking_rule& ranks_before) {
    verdict out{true, {}};
    if (line_.size() >= flows_max_) {
        const auto worst = who_gives_way(request.peer, ranks_before);
        if (!worst) return {false, {}};
        out.displaced = (*worst)->flow;
        line_.erase(*worst);
    }
    line_.push_back({request.flow, request.peer});
    return out;
}

std::optional<serving_line::place> serving_line::who_gives_way(const client_id& asker, const ranking_rule& ranks_before) {
    std::map<client_id, int> flows_of;
    for (const auto& one : line_) ++flows_of[one.peer];
    const auto own = flows_of.find(asker);
    const int of_asker = own == flows_of.end() ? 0 : own->second;
    const auto most = std::ranges::max_element(flows_of, {}, [](const auto& entry) { return entry.second; });
    const bool greedy = most->second > of_asker + 1;
    auto worst = line_.begin();
    for (auto at = line_.begin(); at != line_.end(); ++at) {
        if (greedy ? at->peer == most->first : ranks_before(worst->peer, at->peer)) worst = at;
    }
    if (!greedy && (of_asker > 0 || !ranks_before(asker, worst->peer))) return std::nullopt;
    return worst;
}

void serving_line::on_ended(const upload_ended& upload) {
    std::erase_if(line_, [&](const served& one) { return one.flow == upload.flow; });
}

}  // namespace p2pdist
