#include "commands.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "p2pdist/base/limits.hpp"

namespace p2pdist::client_room {
namespace {
constexpr int lookup_attempts = 4;
constexpr int removals_max = 4;   // of one content that the store calls in use
constexpr int mends_max = 2;      // of one command: a disk that alters everything is not fed for ever
}

commands::commands(client_parts& parts, fetch_jobs& jobs)
    : parts_(&parts), node_(&parts.shared), jobs_(&jobs), requests_(parts.shared) {}

std::optional<command_handle> commands::add(time_point now, command what) {
    if (commands_.size() >= limits::client_commands_max) return std::nullopt;
    what.began = now;
    const auto handle = next_command_++;
    commands_.emplace(handle, std::move(what));
    return command_handle{handle};
}

command_handle commands::refused(time_point, errc why, std::string text) {
    const command_handle handle{next_command_++};
    node_->emit(client_event{command_done{handle, error{why, std::move(text)}, {}, {}, {}}});
    return handle;
}

commands::command* commands::find(std::uint64_t handle) {
    const auto found = commands_.find(handle);
    return found == commands_.end() ? nullptr : &found->second;
}

void commands::end(time_point now, std::uint64_t handle, std::optional<error> failure) {
    const auto found = commands_.find(handle);
    if (found == commands_.end()) return;
    command_done done;
    done.command = command_handle{handle};
    done.content = found->second.content;
    if (done.content.id.empty()) done.content.id = found->second.id;
    done.split = found->second.split;
    done.took = now - found->second.began;
    done.failure = std::move(failure);
    if (found->second.reader) node_->transfers.read_at(done.content.key(), std::nullopt);
    if (found->second.reader && found->second.reader->opened) node_->ask_store(store_close{done.content.key()}, {});
    commands_.erase(found);
    node_->emit(client_event{std::move(done)});
}

// ---- fetch

command_handle commands::fetch(time_point now, const content_id& id, std::string output, std::shared_ptr<output_sink> sink) {
    if (id.empty()) return refused(now, errc::invalid_argument, no_id);
    command what;
    what.what = kind::fetch;
    what.id = id;
    what.output = std::move(output);
    what.sink = std::move(sink);
    const auto handle = add(now, std::move(what));
    if (!handle) return refused(now, errc::limit_reached, "too many commands at once");
    look_up(now, handle->value);
    return *handle;
}

void commands::wait(time_point now, command& what, std::string reason) {
    what.at = stage::waiting;
    what.next = now + what.pause.next(node_->jitter);
    if (what.what != kind::fetch || what.reason == reason) return;
    what.reason = reason;
    transfer_progress shown;
    shown.content.id = what.id;
    shown.state = transfer_state::waiting;
    shown.reason = "waiting: " + std::move(reason);
    node_->emit(client_event{client_progress{std::move(shown)}});
}

void commands::look_up(time_point now, std::uint64_t handle) {
    auto* what = find(handle);
    if (!what) return;
    what->next = never;
    if (parts_->member.revoked()) return end(now, handle, error{errc::revoked, parts_->member.obstacle()});
    if (const auto obstacle = parts_->member.obstacle(); !obstacle.empty()) {
        wait(now, *what, obstacle);
        return;
    }
    const auto known = parts_->shelf.of(what->id);
    if (!parts_->member.server_reachable()) {
        // The server is away: a content that lies here, if only in part, is known all the same.
        if (known.size() == 1) return download(now, handle, known.front().content);
        if (!parts_->member.registered()) return wait(now, *what, "the server cannot be reached");
    }
    what->at = stage::looking_up;
    message_options options;
    options.attempts_max = lookup_attempts;
    requests_.ask(
        now, parts_->member.server(), content_request{what->id},
        [this, handle](time_point at, const answer& got) { on_looked_up(at, handle, got); }, options);
}

void commands::on_looked_up(time_point now, std::uint64_t handle, const answer& got) {
    auto* what = find(handle);
    if (!what) return;
    if (const auto* reply = got.as<content_reply>(); reply && reply->content.id == what->id) {
        if (what->what == kind::import) return start_import(now, handle, reply->content.hash);
        return download(now, handle, reply->content);
    }
    const auto why = got.failure ? *got.failure : error{errc::malformed, "the server's answer was not understood"};
    if (got.reached && why.code == errc::not_found) {
        if (what->what == kind::import) return start_import(now, handle, std::nullopt);
        return end(now, handle,
                   error{errc::not_found, "content " + what->id.text() + " is not published: check the id, or publish it first"});
    }
    if (!got.reached) {
        const auto known = parts_->shelf.of(what->id);
        if (what->what == kind::fetch && known.size() == 1) return download(now, handle, known.front().content);
        if (what->what == kind::import) return start_import(now, handle, std::nullopt);
    }
    wait(now, *what, got.reached ? why.message : "the server cannot be reached");
}

void commands::download(time_point now, std::uint64_t handle, const content_info& content) {
    auto* what = find(handle);
    if (!what) return;
    what->content = content;
    what->at = stage::downloading;
    if (parts_->shelf.whole(content.key())) {
        what->split[static_cast<std::size_t>(source_kind::store)] = content.size_bytes;
        deliver(now, handle);
        return;
    }
    if (!jobs_->fetch(now, content)) return end(now, handle, error{errc::limit_reached, "too many downloads at once: try again later"});
    read_next(now, handle);
}

void commands::on_finished(time_point now, const content_info& content, const std::optional<error>& failure, const source_split& split,
                           duration) {
    std::vector<std::uint64_t> waiting;
    for (const auto& [handle, what] : commands_) {
        if (what.what == kind::fetch && what.at == stage::downloading && what.content == content) waiting.push_back(handle);
    }
    for (const auto handle : waiting) {
        auto* what = find(handle);
        if (!what) continue;
        what->split = split;
        if (failure) {
            end(now, handle, failure);
        } else {
            deliver(now, handle);
        }
    }
}

/// Writes the output file, where one is wanted (CLI-6).
void commands::deliver(time_point now, std::uint64_t handle) {
    auto* what = find(handle);
    if (!what) return;
    what->at = stage::storing;
    if (what->reader) return open_for_reading(now, handle);
    if (what->output.empty() && !what->sink) return end(now, handle, std::nullopt);
    node_->ask_store(store_export{what->content.key(), what->output, what->sink}, [this, handle](time_point at, const store_completion& got) {
        constexpr std::array mended{errc::integrity_failed, errc::refused, errc::not_found};
        if (!got.failure || std::ranges::find(mended, got.failure->code) == mended.end()) return end(at, handle, got.failure);
        fetch_again(at, handle, *got.failure);
    });
}

/// The disk has altered it since, or it was evicted or removed: what is missing of it now is fetched again.
void commands::fetch_again(time_point now, std::uint64_t handle, const error& why) {
    auto* what = find(handle);
    if (!what) return;
    const auto key = what->content.key();
    const bool gone = why.code == errc::not_found;
    if (gone) parts_->shelf.erase(key);
    else parts_->shelf.mark_damaged(key, chunk_bytes);  // one chunk at least: what else there is, the store says as it is fetched
    node_->transfers.stop_serving(now, key);
    parts_->reporter.set(now, key, gone ? holding_state::none : holding_state::partial);
    if (++what->mended > mends_max) return end(now, handle, why);
    node_->log(log_level::warning, "event=fetched_again content=" + key.id.text() + " reason=\"" + why.message + '"');
    download(now, handle, what->content);
}

// ---- import, pin, remove, verify

command_handle commands::import(time_point now, std::string path, std::optional<content_id> id) {
    if (id && id->empty()) return refused(now, errc::invalid_argument, no_id);
    command what;
    what.what = kind::import;
    what.output = std::move(path);
    if (id) what.id = *id;
    const auto handle = add(now, std::move(what));
    if (!handle) return refused(now, errc::limit_reached, "too many commands at once");
    // A published id has to fit its hash; where the server cannot say, the file's own tree is made.
    if (id && parts_->member.server_reachable()) {
        look_up(now, handle->value);
    } else {
        start_import(now, handle->value, std::nullopt);
    }
    return *handle;
}

void commands::start_import(time_point now, std::uint64_t handle, std::optional<content_hash> expected) {
    auto* what = find(handle);
    if (!what) return;
    (void)now;
    what->at = stage::storing;
    what->next = never;
    store_import request;
    if (!what->id.empty()) request.id = what->id;
    request.expected = expected;
    request.path = what->output;
    node_->ask_store(std::move(request), [this, handle](time_point at, const store_completion& got) {
        auto* asked = find(handle);
        const auto* made = std::get_if<store_content>(&got.value);
        if (got.failure || !made) {
            end(at, handle, got.failure ? got.failure : std::optional<error>(error{errc::io_failed, "the store gave no answer"}));
            return;
        }
        parts_->shelf.put_whole(made->content);
        node_->transfers.serve(at, made->content);
        parts_->reporter.set(at, made->content.key(), holding_state::complete);
        if (!asked) return;
        asked->content = made->content;
        asked->split[static_cast<std::size_t>(source_kind::store)] = made->content.size_bytes;
        end(at, handle, std::nullopt);
    });
}

command_handle commands::pin(time_point now, const content_id& id, bool pinned) {
    if (id.empty()) return refused(now, errc::invalid_argument, no_id);
    const auto entries = parts_->shelf.of(id);
    if (entries.empty()) return refused(now, errc::not_found, "content " + id.text() + " is not in the store");
    command what;
    what.id = id;
    what.at = stage::storing;
    what.content = entries.front().content;
    const auto handle = add(now, std::move(what));
    if (!handle) return refused(now, errc::limit_reached, "too many commands at once");
    for (std::size_t at = 0; at < entries.size(); ++at) {
        const auto key = entries[at].content.key();
        const bool last = at + 1 == entries.size();
        node_->ask_store(store_pin{key, pinned}, [this, key, pinned, last, handle = handle->value](time_point when, const store_completion& got) {
            if (auto* entry = parts_->shelf.find(key); entry && got.ok()) entry->pinned = pinned;
            if (last || got.failure) end(when, handle, got.failure);
        });
    }
    return *handle;
}

command_handle commands::remove(time_point now, const content_id& id) {
    if (id.empty()) return refused(now, errc::invalid_argument, no_id);
    const auto entries = parts_->shelf.of(id);
    if (entries.empty()) return refused(now, errc::not_found, "content " + id.text() + " is not in the store");
    for (const auto& entry : entries) {
        if (jobs_->find(entry.content.key())) {
            return refused(now, errc::refused, "content " + id.text() + " is being downloaded: cancel that first");
        }
    }
    command what;
    what.id = id;
    what.at = stage::storing;
    what.content = entries.front().content;
    const auto handle = add(now, std::move(what));
    if (!handle) return refused(now, errc::limit_reached, "too many commands at once");
    for (std::size_t at = 0; at < entries.size(); ++at) {
        const bool last = at + 1 == entries.size();
        node_->transfers.stop_serving(now, entries[at].content.key());
        remove_next(handle->value, entries[at].content, last, removals_max);
    }
    return *handle;
}

/// Those who were fetching it have been sent away, but the store hears of that after this request, or later: till then it is in use.
void commands::remove_next(std::uint64_t handle, const content_info& content, bool last, int attempts) {
    node_->ask_store(store_remove{content.key()}, [this, handle, content, last, attempts](time_point now, const store_completion& got) {
        const auto key = content.key();
        if (got.failure && got.failure->code == errc::refused && attempts > 1) return remove_next(handle, content, last, attempts - 1);
        if (got.ok() || got.failure->code == errc::not_found) {
            parts_->shelf.erase(key);
            parts_->reporter.set_acting(now, key, false);
            parts_->reporter.set(now, key, holding_state::none);
        } else if (parts_->shelf.whole(key)) {
            node_->transfers.serve(now, content);
        }
        if (last || got.failure) end(now, handle, got.failure);
    });
}

command_handle commands::verify(time_point now) {
    command what;
    what.at = stage::storing;
    const auto handle = add(now, std::move(what));
    if (!handle) return refused(now, errc::limit_reached, "too many commands at once");
    std::vector<content_key> all;
    for (const auto& [key, entry] : parts_->shelf.entries()) all.push_back(key);
    std::reverse(all.begin(), all.end());  // taken from the back
    verify_next(now, handle->value, std::move(all), {});
    return *handle;
}

void commands::verify_next(time_point now, std::uint64_t handle, std::vector<content_key> left, std::string damaged) {
    if (!find(handle)) return;
    if (left.empty()) {
        std::optional<error> failure;
        if (!damaged.empty()) failure = error{errc::integrity_failed, "damaged chunks, fetch these again: " + damaged};
        end(now, handle, std::move(failure));
        return;
    }
    const auto key = left.back();
    left.pop_back();
    node_->ask_store(store_verify{key}, [this, handle, key, left = std::move(left), damaged = std::move(damaged)](
                                            time_point at, const store_completion& got) mutable {
        const auto* checked = std::get_if<store_checked>(&got.value);
        if (got.ok() && checked && !checked->corrupt.empty()) {
            if (!damaged.empty()) damaged += ", ";
            damaged += key.id.text() + " (" + std::to_string(checked->corrupt.count()) + " of " + std::to_string(checked->chunks_checked) + ")";
            parts_->shelf.mark_damaged(key, checked->corrupt.count() * chunk_bytes);
            node_->transfers.on_chunks_lost(at, key, checked->corrupt);
            node_->transfers.stop_serving(at, key);
            parts_->reporter.set(at, key, holding_state::partial);
        }
        verify_next(at, handle, std::move(left), std::move(damaged));
    });
}

void commands::cancel(time_point now, command_handle handle) {
    const auto* what = find(handle.value);
    if (!what) return;
    const auto key = what->content.key();
    const bool downloading = what->what == kind::fetch && what->at == stage::downloading;
    end(now, handle.value, error{errc::cancelled, "cancelled"});
    if (!downloading) return;
    const bool wanted = std::any_of(commands_.begin(), commands_.end(), [&](const auto& other) {
        return other.second.what == kind::fetch && other.second.at == stage::downloading && other.second.content.key() == key;
    });
    if (!wanted) jobs_->release(now, key);
}

void commands::stop(time_point now) {
    while (!commands_.empty()) end(now, commands_.begin()->first, error{errc::cancelled, "the client was stopped"});
}

// ---- time

void commands::on_state_changed(time_point now) {
    std::vector<std::uint64_t> waiting;
    for (const auto& [handle, what] : commands_) {
        if (what.at == stage::waiting) waiting.push_back(handle);
    }
    for (const auto handle : waiting) look_up(now, handle);
}

void commands::on_revoked(time_point now) {
    std::vector<std::pair<std::uint64_t, std::optional<content_key>>> vain;
    for (const auto& [handle, what] : commands_) {
        if (what.what != kind::fetch || what.at == stage::storing) continue;
        vain.emplace_back(handle, what.at == stage::downloading ? std::optional(what.content.key()) : std::nullopt);
    }
    for (const auto& [handle, key] : vain) {
        end(now, handle, error{errc::revoked, parts_->member.obstacle()});
        if (key) jobs_->release(now, *key);
    }
}

void commands::on_timer(time_point now) {
    std::vector<std::uint64_t> due;
    for (const auto& [handle, what] : commands_) {
        if (what.next <= now) due.push_back(handle);
    }
    for (const auto handle : due) look_up(now, handle);
}

time_point commands::deadline() const {
    auto out = never;
    for (const auto& [handle, what] : commands_) out = std::min(out, what.next);
    return out;
}

}  // namespace p2pdist::client_room
