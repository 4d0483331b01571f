#include "recorded_disk.hpp"

#include <algorithm>

namespace p2pdist::test {

std::function<std::optional<errc>(const store_step&)> recorded_disk::recorder() {
    return [this](const store_step& taken) -> std::optional<errc> {
        if (taken.what == store_io::read || taken.what == store_io::open) return std::nullopt;
        auto kept = std::make_shared<const step>(step{taken.what, taken.path, taken.target ? *taken.target : fs::path(), taken.offset, to_bytes(taken.data)});
        const std::lock_guard lock(mutex_);
        steps_.push_back(std::move(kept));
        return std::nullopt;
    };
}

std::size_t recorded_disk::steps() const {
    const std::lock_guard lock(mutex_);
    return steps_.size();
}

/// The disk in two states at once: as programs see it, and as it surely is after a cut.
class disk_after_cut {
public:
    using step = recorded_disk::step;

    explicit disk_after_cut(const fs::path& root) : root_path_(root) { root_.is_directory = true; }

    void take(const std::shared_ptr<const step>& done) {
        switch (done->what) {
            case store_io::create: return add(done->path, false);
            case store_io::make_directory: return add(done->path, true);
            case store_io::write:
            case store_io::resize:
                if (auto* file = find(done->path)) file->unsynced.push_back(done);
                return;
            case store_io::sync:
                if (auto* file = find(done->path)) {
                    for (const auto& each : file->unsynced) apply(file->durable, *each, each->data.size());
                    file->unsynced.clear();
                }
                return;
            case store_io::rename: return change(done->path, [&](node& parent) {
                const auto from = done->path.filename().string(), to = done->target.filename().string();
                if (!parent.names.contains(from)) return;
                parent.change({from, to, parent.names[from]});
            });
            case store_io::remove: return remove(done->path);
            case store_io::sync_directory:
                if (auto* directory = find(done->path)) {
                    for (const auto& each : directory->unsynced_names) node::apply(directory->durable_names, each);
                    directory->unsynced_names.clear();
                }
                return;
            default: return;
        }
    }

    void leave(const fs::path& to, random_source& random) const { write(root_, to, random); }

private:
    struct node {
        struct name_change {
            std::string from, to;   // empty: made, or removed
            std::shared_ptr<node> what;
        };
        using listing = std::map<std::string, std::shared_ptr<node>>;

        static void apply(listing& names, const name_change& change) {
            if (!change.from.empty() && names.erase(change.from) == 0) return;   // what it was to rename did not get there
            if (!change.to.empty()) names[change.to] = change.what;
        }
        void change(name_change what) {
            apply(names, what);
            unsynced_names.push_back(std::move(what));
        }

        bool is_directory = false;
        bytes durable;
        std::vector<std::shared_ptr<const step>> unsynced;
        listing names, durable_names;
        std::vector<name_change> unsynced_names;
    };

    static void apply(bytes& data, const step& done, std::size_t length) {
        if (done.what == store_io::resize) return data.resize(done.offset);
        data.resize(std::max<std::size_t>(data.size(), done.offset + length));
        std::copy_n(done.data.begin(), length, data.begin() + static_cast<std::ptrdiff_t>(done.offset));
    }

    node* find(const fs::path& path) {
        auto* at = &root_;
        const auto relative = path.lexically_relative(root_path_);
        if (relative == ".") return at;
        for (const auto& part : relative) {
            const auto found = at->names.find(part.string());
            if (found == at->names.end()) return nullptr;
            at = found->second.get();
        }
        return at;
    }
    template <class Change>
    void change(const fs::path& path, Change change_of) {
        if (auto* parent = find(path.parent_path())) change_of(*parent);
    }
    void add(const fs::path& path, bool directory) {
        change(path, [&](node& parent) {
            const auto name = path.filename().string();
            if (parent.names.contains(name)) return;
            auto made = std::make_shared<node>();
            made->is_directory = directory;
            parent.change({{}, name, made});
        });
    }
    void remove(const fs::path& path) {
        change(path, [&](node& parent) {
            const auto name = path.filename().string();
            const auto found = parent.names.find(name);
            if (found == parent.names.end()) return;
            const auto gone = found->second;
            const auto inside = gone->names;
            for (const auto& [file, what] : inside) gone->change({file, {}, what});
            parent.change({name, {}, gone});
        });
    }

    static void write(const node& from, const fs::path& to, random_source& random) {
        if (from.is_directory) {
            fs::create_directories(to);
            auto names = from.durable_names;
            const bool in_order = random.below(3) != 0;   // as a file system with a journal keeps them
            const auto until = random.below(from.unsynced_names.size() + 1);
            for (std::size_t at = 0; at < from.unsynced_names.size(); ++at) {
                if (in_order ? at < until : random.below(2) == 0) node::apply(names, from.unsynced_names[at]);
            }
            for (const auto& [name, what] : names) write(*what, to / name, random);
            return;
        }
        auto data = from.durable;
        for (const auto& each : from.unsynced) {
            const auto fate = random.below(3);
            if (fate == 0) continue;
            apply(data, *each, fate == 1 ? each->data.size() : static_cast<std::size_t>(random.below(each->data.size() + 1)));
        }
        write_file(to, data);
    }

    fs::path root_path_;
    node root_;
};

void recorded_disk::leave(const fs::path& from, const fs::path& to, std::size_t steps, random_source& random) const {
    disk_after_cut disk(from);
    {
        const std::lock_guard lock(mutex_);
        for (std::size_t at = 0; at < steps; ++at) disk.take(steps_[at]);
    }
    fs::remove_all(to);
    disk.leave(to, random);
}

}  // namespace p2pdist::test
