// A fetch that is read while it arrives: one chunk of the verified prefix at a time, as fast as whoever reads asks for them.

#include "commands.hpp"

#include <utility>

namespace p2pdist::client_room {

command_handle commands::read(time_point now, const content_id& id) {
    if (id.empty()) return refused(now, errc::invalid_argument, no_id);
    command what;
    what.what = kind::fetch;
    what.id = id;
    what.reader.emplace();
    const auto handle = add(now, std::move(what));
    if (!handle) return refused(now, errc::limit_reached, "too many commands at once");
    look_up(now, handle->value);
    return *handle;
}

void commands::read_on(time_point now, command_handle reader) {
    auto* what = find(reader.value);
    if (!what || !what->reader) return;
    what->reader->wanted = true;
    read_next(now, reader.value);
}

void commands::on_chunks_verified(time_point now, const content_key& content) {
    std::vector<std::uint64_t> readers;
    for (const auto& [handle, what] : commands_) {
        if (what.reader && what.at == stage::downloading && what.content.key() == content) readers.push_back(handle);
    }
    for (const auto handle : readers) read_next(now, handle);
}

/// Gives the next chunk if it is wanted and here; ends the command behind the last one.
void commands::read_next(time_point now, std::uint64_t handle) {
    auto* what = find(handle);
    if (!what || !what->reader || what->reader->asked) return;
    auto& at = *what->reader;
    const bool whole = what->at == stage::storing;
    if (!whole && what->at != stage::downloading) return;
    const auto key = what->content.key();
    if (at.next >= chunk_geometry(what->content.size_bytes).chunk_count()) {
        if (whole) end(now, handle, std::nullopt);
        return;
    }
    if (!whole) node_->transfers.read_at(key, at.next);
    if (!at.wanted) return;
    if (!whole) {
        const auto* held = node_->transfers.held(key);
        if (!held || !held->contains(at.next)) return;
    }
    at.asked = true;
    node_->ask_store(store_read_chunk{key, at.next}, [this, handle](time_point when, const store_completion& got) { on_read(when, handle, got); });
}

void commands::on_read(time_point now, std::uint64_t handle, const store_completion& got) {
    auto* what = find(handle);
    if (!what) return;
    auto& at = *what->reader;
    at.asked = false;
    const auto* read = std::get_if<store_region>(&got.value);
    if (got.failure || !read) {
        // While it still arrives, the transfer engine finds out as well, and the next chunk that is verified has it tried again.
        if (what->at == stage::storing) fetch_again(now, handle, got.failure.value_or(error{errc::io_failed, "the store gave no answer"}));
        return;
    }
    const auto place = chunk_geometry(what->content.size_bytes).chunk(at.next);
    const auto& region = read->region;
    at.wanted = false;
    ++at.next;
    node_->emit(client_event{client_piece{{handle}, place.offset, {region.owner, region.view.last(place.length)}}});
    read_next(now, handle);
}

/// The download is done and lets go of the content: from here on the reader keeps it from being evicted.
void commands::open_for_reading(time_point now, std::uint64_t handle) {
    const auto& content = find(handle)->content;
    if (find(handle)->reader->opened) return read_next(now, handle);
    node_->ask_store(store_open{content, false}, [this, handle, key = content.key()](time_point at, const store_completion& got) {
        auto* what = find(handle);
        if (!what) {
            if (got.ok()) node_->ask_store(store_close{key}, {});
            return;
        }
        if (got.failure) return fetch_again(at, handle, *got.failure);
        what->reader->opened = true;
        read_next(at, handle);
    });
}

}  // namespace p2pdist::client_room
