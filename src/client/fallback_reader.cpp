#include "fallback_reader.hpp"

#include <algorithm>

#include "p2pdist/base/limits.hpp"
#include "p2pdist/content/tree_file.hpp"

namespace p2pdist::client_room {
namespace {
constexpr duration look_interval = std::chrono::milliseconds(500);  // how often it looks whether more is wanted
}

std::string content_url(const std::string& base, const content_id& id) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out = base;
    if (!out.empty() && out.back() != '/') out += '/';
    for (const char letter : id.text()) {
        const auto byte = static_cast<unsigned char>(letter);
        const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
                           byte == '-' || byte == '.' || byte == '_' || byte == '~';
        if (plain) {
            out += letter;
        } else {
            out += '%';
            out += digits[byte >> 4];
            out += digits[byte & 15];
        }
    }
    return out;
}

fallback_reader::fallback_reader(node& shared, hooks called) : node_(&shared), hooks_(std::move(called)) {}

bool fallback_reader::possible() const { return node_->config.has_file_store || hooks_.cdn(); }

/// Takes the source that is to be read from; false where there is none.
bool fallback_reader::choose(job& work) const {
    if (work.from == source_kind::cdn && !hooks_.cdn()) work.from = source_kind::file_store;
    if (work.from == source_kind::file_store && !node_->config.has_file_store) {
        if (!hooks_.cdn()) return false;
        work.from = source_kind::cdn;
    }
    return true;
}

void fallback_reader::start(time_point now, const content_info& content) {
    if (!possible() || jobs_.contains(content.key())) return;
    node_->log(log_level::info, "event=fallback_started content=" + content.id.text());
    job work;
    work.content = content;
    jobs_.emplace(content.key(), std::move(work));
    pump(now, content.key());
}

void fallback_reader::stop(const content_key& content) {
    const auto found = jobs_.find(content);
    if (found == jobs_.end()) return;
    if (found->second.request) {
        requests_.erase(*found->second.request);
        node_->emit(client_output{fallback_cancel{*found->second.request}});
    }
    jobs_.erase(found);
}

void fallback_reader::pump(time_point now, const content_key& content) {
    const auto found = jobs_.find(content);
    if (found == jobs_.end()) return;
    auto& work = found->second;
    if (work.request || (work.next > now && !work.trouble.empty())) return;
    work.next = now + look_interval;
    if (node_->paused || !choose(work)) return;
    auto range = node_->transfers.fallback_wants(content);
    if (!range || range->length == 0) return;
    const bool has_tree = work.content.hash.kind == hash_kind::sha256_tree && work.content.size_bytes > chunk_bytes;
    if (has_tree && work.tree_asked.insert(work.from).second) {
        work.tree.clear();
        send(work, fallback_request::target::tree, {0, tree_file_bytes(work.content.size_bytes)});
        return;
    }
    send(work, fallback_request::target::content, *range);
}

void fallback_reader::send(job& work, fallback_request::target what, byte_range range) {
    fallback_request request;
    request.id = next_request_++;
    request.from = work.from;
    request.what = what;
    request.content = work.content;
    request.range = range;
    request.bytes_per_second_max = hooks_.bytes_per_second_max();
    if (work.from == source_kind::cdn) {
        request.url = content_url(hooks_.cdn().value_or(std::string()), work.content.id);
        if (what == fallback_request::target::tree) request.url += tree_file_suffix;
    }
    work.request = request.id;
    work.what = what;
    work.taken = 0;
    requests_.emplace(request.id, work.content.key());
    if (node_->logs(log_level::debug)) {
        node_->log(log_level::debug, "event=fallback_request content=" + work.content.id.text() + " from=" + std::string(to_string(work.from)) +
                                         " tree=" + (what == fallback_request::target::tree ? "1" : "0") + " offset=" +
                                         std::to_string(range.offset) + " length=" + std::to_string(range.length));
    }
    node_->emit(client_output{std::move(request)});
}

void fallback_reader::on_data(time_point now, std::uint64_t request, std::uint64_t offset, shared_bytes data) {
    const auto known = requests_.find(request);
    if (known == requests_.end()) return;
    auto& work = jobs_.at(known->second);
    if (work.what == fallback_request::target::content) {
        work.taken += data.view.size();
        node_->transfers.give(now, known->second, work.from, offset, std::move(data));
        return;
    }
    if (offset != work.tree.size() || offset + data.view.size() > tree_file_bytes(work.content.size_bytes)) return;
    work.tree.insert(work.tree.end(), data.view.begin(), data.view.end());
}

void fallback_reader::on_done(time_point now, std::uint64_t request, std::optional<error> failure) {
    const auto known = requests_.find(request);
    if (known == requests_.end()) return;
    const auto key = known->second;
    requests_.erase(known);
    auto& work = jobs_.at(key);
    work.request.reset();
    if (work.what == fallback_request::target::tree) {
        // Without a tree file it goes on all the same: the whole is verified first then (SRC-3).
        if (!failure && work.tree.size() == tree_file_bytes(work.content.size_bytes)) {
            node_->transfers.give_tree(now, key, shared_bytes(std::make_shared<const bytes>(std::move(work.tree))));
        } else {
            node_->log(log_level::info, "event=no_tree_file content=" + key.id.text() + " from=" + std::string(to_string(work.from)));
        }
        work.tree = {};
        work.next = now;
        return;
    }
    if (failure) {
        failed(now, work, *failure);
        return;
    }
    if (work.taken > 0) {
        if (!work.bad_bytes) work.pause.reset();
        work.trouble.clear();
    }
    work.next = now;
}

void fallback_reader::failed(time_point now, job& work, const error& why) {
    const bool news = work.trouble != why.message;
    work.trouble = why.message;
    if (news) {
        node_->notice(log_level::warning, "the " + std::string(work.from == source_kind::cdn ? "CDN" : "file store") + " does not give " +
                                              work.content.id.text() + ": " + why.message);
    }
    if (work.from == source_kind::cdn && node_->config.has_file_store) {
        work.from = source_kind::file_store;
        work.next = now;
        return;
    }
    work.from = source_kind::cdn;
    work.next = now + work.pause.next(node_->jitter);
}

void fallback_reader::on_bad_bytes(time_point now, const content_key& content, const std::string& why) {
    const auto found = jobs_.find(content);
    if (found == jobs_.end()) return;
    auto& work = found->second;
    if (work.request) {
        requests_.erase(*work.request);
        node_->emit(client_output{fallback_cancel{*work.request}});
        work.request.reset();
    }
    work.bad_bytes = true;
    failed(now, work, error{errc::integrity_failed, why});
}

std::string fallback_reader::state_of(const content_key& content) const {
    const auto found = jobs_.find(content);
    if (found == jobs_.end()) return {};
    const auto& work = found->second;
    const std::string name = work.from == source_kind::cdn ? "the CDN" : "the file store";
    if (work.request || work.trouble.empty()) return "reading from " + name;
    return "CDN and file store do not give it: " + work.trouble;
}

void fallback_reader::on_timer(time_point now) {
    for (auto& [key, work] : jobs_) {
        if (work.next > now) continue;
        work.next = now;
        pump(now, key);
    }
}

time_point fallback_reader::deadline() const {
    auto out = never;
    for (const auto& [key, work] : jobs_) {
        if (!work.request) out = std::min(out, work.next);
    }
    return out;
}

}  // namespace p2pdist::client_room
