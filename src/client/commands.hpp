#pragma once
// The commands of this device: fetch, read, import, pin, remove, verify. Each ends with exactly one command_done.
//
//   commands.cpp           their life, and all but
//   commands_reading.cpp   a fetch whose bytes are asked for one piece after another

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "fetch_jobs.hpp"

namespace p2pdist::client_room {

/// How far a fetch is that is read piece by piece.
struct command_reading {
    chunk_index next = 0;
    bool wanted = false;    // a piece was asked for and not given yet
    bool asked = false;     // the store was asked for it
    bool opened = false;    // after the download: our own store_open, so that it is not evicted meanwhile
};

inline constexpr const char* no_id = "no content id is given";

class commands {
public:
    commands(client_parts& parts, fetch_jobs& jobs);

    command_handle fetch(time_point now, const content_id& id, std::string output, std::shared_ptr<output_sink> sink);
    command_handle read(time_point now, const content_id& id);
    void read_on(time_point now, command_handle reader);
    command_handle import(time_point now, std::string path, std::optional<content_id> id);
    command_handle pin(time_point now, const content_id& id, bool pinned);
    command_handle remove(time_point now, const content_id& id);
    command_handle verify(time_point now);
    void cancel(time_point now, command_handle command);
    /// Ends all of them.
    void stop(time_point now);

    /// Activation, the server or the topology: what waited can go on, perhaps.
    void on_state_changed(time_point now);
    /// This client was shut out: what it waits for or fetches will not come.
    void on_revoked(time_point now);
    /// A download ended, of this command or for others.
    void on_finished(time_point now, const content_info& content, const std::optional<error>& failure, const source_split& split, duration took);
    void on_chunks_verified(time_point now, const content_key& content);
    void on_timer(time_point now);
    [[nodiscard]] time_point deadline() const;

private:
    enum class kind { fetch, import, other };
    enum class stage { waiting, looking_up, downloading, storing };
    struct command {
        kind what = kind::other;
        stage at = stage::waiting;
        content_id id;
        std::string output;                  // fetch: may be empty; import: the file to read
        std::shared_ptr<output_sink> sink;   // fetch: instead of a path
        std::optional<command_reading> reader;  // fetch: instead of both
        content_info content;
        time_point began;
        time_point next = never;             // waiting: when to look again
        backoff pause{std::chrono::seconds(1), std::chrono::seconds(15)};
        source_split split{};
        int mended = 0;                      // fetch: how often the store had lost some of it
        std::string reason;
    };

    std::optional<command_handle> add(time_point now, command what);
    command_handle refused(time_point now, errc why, std::string text);
    command* find(std::uint64_t handle);
    void end(time_point now, std::uint64_t handle, std::optional<error> failure);
    void wait(time_point now, command& what, std::string reason);
    void look_up(time_point now, std::uint64_t handle);
    void on_looked_up(time_point now, std::uint64_t handle, const answer& got);
    void download(time_point now, std::uint64_t handle, const content_info& content);
    void deliver(time_point now, std::uint64_t handle);
    void fetch_again(time_point now, std::uint64_t handle, const error& why);
    void read_next(time_point now, std::uint64_t handle);
    void on_read(time_point now, std::uint64_t handle, const store_completion& got);
    void open_for_reading(time_point now, std::uint64_t handle);
    void start_import(time_point now, std::uint64_t handle, std::optional<content_hash> expected);
    void remove_next(std::uint64_t handle, const content_info& content, bool last, int attempts);
    void verify_next(time_point now, std::uint64_t handle, std::vector<content_key> left, std::string damaged);

    client_parts* parts_;
    node* node_;
    fetch_jobs* jobs_;
    open_requests requests_;
    std::map<std::uint64_t, command> commands_;
    std::uint64_t next_command_ = 1;
};

}  // namespace p2pdist::client_room
