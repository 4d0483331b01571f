#include "p2pdist/driver/sql_catalogue.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>

#include "change_writer.hpp"
#include "dialect.hpp"
#include "schema.hpp"
#include "snapshot_reader.hpp"

namespace p2pdist {

class sql_catalogue::implementation {
public:
    implementation(std::unique_ptr<dialect> words, std::unique_ptr<soci::session> sql, std::size_t group_max)
        : words_(std::move(words)), sql_(std::move(sql)), group_max_(group_max == 0 ? 1 : group_max), worker_([this] { work(); }) {}

    ~implementation() {
        {
            const std::lock_guard lock(queue_guard_);
            stopping_ = true;
        }
        wake_.notify_one();
        worker_.join();
    }

    result<catalogue_snapshot> load() {
        const std::lock_guard lock(session_guard_);
        try {
            return read_snapshot(*sql_);
        } catch (const soci::soci_error& failure) {
            return words_->explain(failure, "reading the catalogue");
        } catch (const senseless_row& row) {
            return {errc::database_failed, std::string("reading the catalogue: ") + row.what() + "; restore a backup"};
        }
    }

    result<std::string> durability() {
        const std::lock_guard lock(session_guard_);
        try {
            return words_->durability(*sql_);
        } catch (const soci::soci_error& failure) {
            return words_->explain(failure, "asking the database how it commits");
        }
    }

    void submit(catalogue_request request, completion_handler done) {
        {
            const std::lock_guard lock(queue_guard_);
            queue_.push_back({std::move(request), std::move(done)});
        }
        wake_.notify_one();
    }

    std::uint64_t commits() const noexcept { return commits_.load(); }

private:
    struct entry {
        catalogue_request request;
        completion_handler done;
    };
    using group = std::vector<entry>;

    void work() {
        while (auto next = take_group()) {
            commit(*next);
        }
    }

    /// Everything that came in while the last group was being committed; nothing when it is time to end.
    std::optional<group> take_group() {
        std::unique_lock lock(queue_guard_);
        wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        if (queue_.empty()) return std::nullopt;
        group out;
        while (!queue_.empty() && out.size() < group_max_) {
            out.push_back(std::move(queue_.front()));
            queue_.pop_front();
        }
        return out;
    }

    void commit(group& entries) {
        const auto whole = write(std::span(entries));
        if (!whole.failure) return complete(std::span(entries), {});
        if (entries.size() == 1 || whole.concerns_all) return complete(std::span(entries), *whole.failure);
        // One of them is to blame: alone, the others go through.
        for (auto& one : entries) {
            const auto alone = write(std::span(&one, 1));
            complete(std::span(&one, 1), alone.failure ? result<void>(*alone.failure) : result<void>());
        }
    }

    struct written {
        std::optional<error> failure;
        bool concerns_all = false;
    };

    written write(std::span<const entry> entries) {
        const std::lock_guard lock(session_guard_);
        try {
            soci::transaction together(*sql_);  // rolled back where it is left without commit
            for (const auto& one : entries) {
                for (const auto& change : one.request.changes) write_change(*sql_, change);
            }
            together.commit();
            commits_.fetch_add(1);
            return {};
        } catch (const soci::soci_error& failure) {
            return {words_->explain(failure, "writing the catalogue"), words_->concerns_all(failure)};
        }
    }

    static void complete(std::span<entry> entries, const result<void>& outcome) {
        for (auto& one : entries) one.done({one.request.id, outcome});
    }

    std::unique_ptr<dialect> words_;
    std::unique_ptr<soci::session> sql_;
    std::size_t group_max_;
    std::mutex session_guard_;  // a session serves one thread at a time: load() or the worker
    std::atomic<std::uint64_t> commits_{0};

    std::mutex queue_guard_;
    std::condition_variable wake_;
    std::deque<entry> queue_;
    bool stopping_ = false;
    std::thread worker_;  // last: it uses all of the above
};

result<std::unique_ptr<sql_catalogue>> sql_catalogue::open(std::string_view url, const sql_catalogue_options& options) {
    auto words = dialect_of(url);
    if (!words) return words.error();
    try {
        auto sql = (*words)->connect(options.create, options.lock_wait);
        if (!sql) return sql.error();
        const auto version = accepted_schema(**sql);
        if (!version) return version.error();
        if (*version == 0 && !options.create) return {errc::not_found, "the database is empty; 'p2pdist-server init' fills it"};
        (*words)->make_durable(**sql);
        migrate(**sql, **words, *version);
        return std::unique_ptr<sql_catalogue>(
            new sql_catalogue(std::make_unique<implementation>(std::move(*words), std::move(*sql), options.group_max)));
    } catch (const soci::soci_error& failure) {
        return (*words)->explain(failure, "opening the catalogue");
    }
}

sql_catalogue::sql_catalogue(std::unique_ptr<implementation> self) : self_(std::move(self)) {}
sql_catalogue::~sql_catalogue() = default;

result<catalogue_snapshot> sql_catalogue::load() { return self_->load(); }
result<std::string> sql_catalogue::durability() { return self_->durability(); }
void sql_catalogue::submit(catalogue_request request, completion_handler done) { self_->submit(std::move(request), std::move(done)); }
std::uint64_t sql_catalogue::commits() const noexcept { return self_->commits(); }
int sql_catalogue::schema_version() noexcept { return newest_schema(); }

}  // namespace p2pdist
