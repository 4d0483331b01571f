#pragma once
// Reads a content from the CDN and, where there is none or it fails, from the file store (SRC-2): the tree first, where the content has
// one, then the ranges that the transfer engine still misses. After a failure of both it pauses and begins again (SRC-4).

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "backoff.hpp"
#include "node.hpp"

namespace p2pdist::client_room {

class fallback_reader {
public:
    struct hooks {
        std::function<std::optional<std::string>()> cdn;    ///< base URL, if there is a CDN now
        std::function<double()> bytes_per_second_max;       ///< 0: unlimited
    };

    fallback_reader(node& shared, hooks called);

    /// Whether there is anything to read from.
    [[nodiscard]] bool possible() const;
    void start(time_point now, const content_info& content);
    void stop(const content_key& content);
    [[nodiscard]] bool reading(const content_key& content) const { return jobs_.contains(content); }
    /// Something may be wanted now. Cheap to call.
    void pump(time_point now, const content_key& content);
    /// What it does or why it waits, for people; empty where it is not reading that content.
    [[nodiscard]] std::string state_of(const content_key& content) const;

    void on_data(time_point now, std::uint64_t request, std::uint64_t offset, shared_bytes data);
    void on_done(time_point now, std::uint64_t request, std::optional<error> failure);
    /// What it gave does not fit the content's hash: the other source is tried.
    void on_bad_bytes(time_point now, const content_key& content, const std::string& why);
    void on_timer(time_point now);
    [[nodiscard]] time_point deadline() const;

private:
    struct job {
        content_info content;
        source_kind from = source_kind::cdn;
        std::optional<std::uint64_t> request;                // under way
        fallback_request::target what = fallback_request::target::tree;
        std::set<source_kind> tree_asked;
        bytes tree;                                          // as far as it has come
        time_point next = never;
        backoff pause{std::chrono::seconds(5), std::chrono::minutes(5)};
        std::string trouble;
        std::uint64_t taken = 0;                             // bytes of the running request
        bool bad_bytes = false;                              // came once: bytes alone are no reason to ask again soon
    };

    bool choose(job& work) const;
    void send(job& work, fallback_request::target what, byte_range range);
    void failed(time_point now, job& work, const error& why);

    node* node_;
    hooks hooks_;
    std::map<content_key, job> jobs_;
    std::map<std::uint64_t, content_key> requests_;
    std::uint64_t next_request_ = 1;
};

/// The content's place below a base URL: its id, percent-encoded.
[[nodiscard]] std::string content_url(const std::string& base, const content_id& id);

}  // namespace p2pdist::client_room
