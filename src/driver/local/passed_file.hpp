#pragma once
// Open files that travel over a local socket, beside the bytes.

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "p2pdist/content/store.hpp"

namespace p2pdist {

/// An open file that came over a socket; closed when the last owner lets go.
class passed_file final : public output_sink {
public:
    explicit passed_file(int descriptor) noexcept : descriptor_(descriptor) {}
    ~passed_file() override;
    passed_file(const passed_file&) = delete;
    passed_file& operator=(const passed_file&) = delete;

    /// Whether it is a plain file that may be written anywhere. Anything else could hold the writer up for ever, and one that was opened to
    /// append takes all of it at its end.
    [[nodiscard]] bool is_writable_file() const noexcept;

    [[nodiscard]] result<void> resize(std::uint64_t size_bytes) override;
    [[nodiscard]] result<void> write_at(std::uint64_t offset, byte_span data) override;
    [[nodiscard]] result<void> sync() override;

private:
    int descriptor_;
};

struct passed_bytes {
    enum class state { some, none_yet, over } what = state::over;
    std::size_t size = 0;
    std::shared_ptr<passed_file> file;   ///< where one came along; further ones are closed
};

/// Reads what is there, without waiting.
[[nodiscard]] passed_bytes receive_passed(int socket, mutable_byte_span room);
/// Sends all of it, waiting; the descriptor (-1: none) goes with the first byte.
[[nodiscard]] bool send_passed(int socket, std::string_view data, int descriptor);

}  // namespace p2pdist
