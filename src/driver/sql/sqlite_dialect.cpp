#include <array>
#include <filesystem>
#include <utility>

#include "database_file.hpp"
#include "dialect.hpp"

#include <soci/sqlite3/soci-sqlite3.h>

namespace p2pdist {
namespace {

class sqlite_dialect final : public dialect {
public:
    explicit sqlite_dialect(std::string path) : path_(std::move(path)) {}

    result<std::unique_ptr<soci::session>> connect(bool create, std::chrono::milliseconds lock_wait) override {
        std::error_code failure;
        if (create) {
            // An empty file is an empty database. Made before SQLite would, since that follows the umask; its WAL gets the same rights.
            if (auto made = make_database_file(path_); !made) return made.error();
        } else if (!std::filesystem::exists(path_, failure)) {
            return {errc::not_found, "there is no database " + path_ + "; 'p2pdist-server init' makes one"};
        }
        auto sql = std::make_unique<soci::session>(soci::sqlite3, "dbname=\"" + path_ + "\"");
        *sql << "PRAGMA busy_timeout=" + std::to_string(lock_wait.count());
        return sql;
    }

    void make_durable(soci::session& sql) override {
        std::string mode;
        sql << "PRAGMA journal_mode=WAL", soci::into(mode);  // answers with the mode that results
        if (mode != "wal") throw soci::soci_error("write-ahead logging is not possible here (mode " + mode + ")");
        sql << "PRAGMA synchronous=FULL";
    }

    std::string durability(soci::session& sql) const override {
        static constexpr std::array levels{"off", "normal", "full", "extra"};
        std::string mode;
        std::size_t level = 0;
        sql << "PRAGMA journal_mode", soci::into(mode);
        sql << "PRAGMA synchronous", soci::into(level);
        return "journal_mode=" + mode + " synchronous=" + (level < levels.size() ? levels[level] : "unknown");
    }

    std::string with_types(std::string_view statement) const override {
        static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> types{
            {{"{id}", "TEXT"}, {"{name}", "TEXT"}, {"{text}", "TEXT"}, {"{number}", "BIGINT"}}};
        std::string out(statement);
        for (const auto& [mark, type] : types) {
            for (auto at = out.find(mark); at != std::string::npos; at = out.find(mark, at)) {
                out.replace(at, mark.size(), type);
            }
        }
        return out;
    }

    error explain(const soci::soci_error& failure, std::string_view doing) const override {
        return {errc::database_failed,
                std::string(doing) + ": the database " + path_ + " says '" + failure.get_error_message() + "'" + advice(failure)};
    }

    bool concerns_all(const soci::soci_error& failure) const override { return !advice(failure).empty(); }

private:
    static std::string advice(const soci::soci_error& failure) {
        const auto* known = dynamic_cast<const soci::sqlite3_soci_error*>(&failure);
        const auto by_code = known != nullptr ? advice(known->result() & 0xff) : std::string();
        return by_code.empty() ? advice(code_by_words(failure.get_error_message())) : by_code;
    }
    static std::string advice(int code) {
        switch (code) {
            case SQLITE_BUSY:
            case SQLITE_LOCKED:
                return "; another program holds it: stop that one, a second server or a database tool";
            case SQLITE_FULL:
                return "; make room on its volume";
            case SQLITE_READONLY:
                return "; let this user write to the file and to its directory";
            case SQLITE_CANTOPEN:
                return "; let this user read and write the file and its directory";
            case SQLITE_PERM:
                return "; let this user read and write the file";
            case SQLITE_IOERR:
                return "; check the room on its volume and the disk (see the system's log)";
            case SQLITE_CORRUPT:
            case SQLITE_NOTADB:
                return "; the file is damaged or no database: restore a backup";
            default:
                return {};
        }
    }
    /// Some of the library's errors carry the sentence only.
    static int code_by_words(const std::string& text) {
        static constexpr std::array<std::pair<const char*, int>, 7> sentences{{{"is locked", SQLITE_BUSY},
                                                                               {"is full", SQLITE_FULL},
                                                                               {"readonly", SQLITE_READONLY},
                                                                               {"unable to open", SQLITE_CANTOPEN},
                                                                               {"disk I/O", SQLITE_IOERR},
                                                                               {"malformed", SQLITE_CORRUPT},
                                                                               {"not a database", SQLITE_NOTADB}}};
        for (const auto& [words, code] : sentences) {
            if (text.find(words) != std::string::npos) return code;
        }
        return SQLITE_OK;
    }

    std::string path_;
};

}  // namespace

std::unique_ptr<dialect> make_sqlite_dialect(std::string path) { return std::make_unique<sqlite_dialect>(std::move(path)); }

}  // namespace p2pdist
