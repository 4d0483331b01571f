#pragma once
// Files and directories for their owner alone.

#include "windows/system.hpp"

#include <sddl.h>

namespace p2pdist::windows {

/// Full access for the owner and the system, none for anybody else, nothing inherited from above: what mode 0600 or 0700 says elsewhere.
class private_access {
public:
    explicit private_access(const wchar_t* rules) {
        if (::ConvertStringSecurityDescriptorToSecurityDescriptorW(rules, SDDL_REVISION_1, &descriptor_, nullptr) == 0) descriptor_ = nullptr;
        attributes_.nLength = sizeof attributes_;
        attributes_.lpSecurityDescriptor = descriptor_;
    }
    ~private_access() { ::LocalFree(descriptor_); }
    private_access(const private_access&) = delete;
    private_access& operator=(const private_access&) = delete;

    [[nodiscard]] bool good() const noexcept { return descriptor_ != nullptr; }
    [[nodiscard]] SECURITY_ATTRIBUTES* get() noexcept { return &attributes_; }

private:
    PSECURITY_DESCRIPTOR descriptor_ = nullptr;
    SECURITY_ATTRIBUTES attributes_{};
};
inline constexpr const wchar_t* file_rules = L"D:P(A;;FA;;;OW)(A;;FA;;;SY)";
inline constexpr const wchar_t* directory_rules = L"D:P(A;OICI;FA;;;OW)(A;OICI;FA;;;SY)";

}  // namespace p2pdist::windows
