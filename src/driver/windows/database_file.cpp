#include "sql/database_file.hpp"

#include <filesystem>

#include "windows/private_access.hpp"

namespace p2pdist {

result<void> make_database_file(const std::string& path) {
    windows::private_access access(windows::file_rules);
    const auto made = access.good() ? windows::own(::CreateFileW(std::filesystem::path(path).c_str(), GENERIC_READ | GENERIC_WRITE, 0, access.get(), CREATE_NEW,
                                                                 FILE_ATTRIBUTE_NORMAL, nullptr))
                                    : windows::unique_handle();
    if (made || ::GetLastError() == ERROR_FILE_EXISTS) return {};
    return {errc::database_failed,
            "can't create the database " + path + ": " + windows::text_of(::GetLastError()) + "; create its directory and let this user write to it"};
}

}  // namespace p2pdist
