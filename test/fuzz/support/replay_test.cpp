// Replays every input of test/fuzz/corpus: seeds, what short runs found worth keeping, and every input that ever broke something.
// Arguments of the form TARGET=FILE replay those files only.

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/fuzz_target.hpp"

namespace fs = std::filesystem;
using namespace p2pdist;

namespace {

void run(const fuzz::target& which, byte_span data) {
    fuzz::fuzz_input input(data);
    which.body(input);
}

void replay(const fuzz::target& which, const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    const bytes data(std::istreambuf_iterator<char>(in), {});
    std::fprintf(stderr, "\r%s: %s\x1b[K", which.name, file.filename().c_str());  // what stands there when it breaks
    run(which, data);
}

std::vector<fs::path> corpus_of(const fuzz::target& which) {
    std::vector<fs::path> out;
    const auto directory = fs::path(P2PDIST_FUZZ_CORPUS) / which.name;
    if (!fs::is_directory(directory)) return out;
    for (const auto& entry : fs::directory_iterator(directory)) {
        if (entry.is_regular_file()) out.push_back(entry.path());
    }
    std::ranges::sort(out);
    return out;
}

}  // namespace

int main(int count, char** arguments) {
    std::ranges::sort(fuzz::targets(), {}, [](const fuzz::target& which) { return std::string(which.name); });
    if (count > 1 && std::strcmp(arguments[1], "--list") == 0) {
        for (const auto& which : fuzz::targets()) std::printf("%s\n", which.name);
        return 0;
    }
    int without = 0;
    for (const auto& which : fuzz::targets()) {
        if (count > 1) {
            const auto prefix = std::string(which.name) + "=";
            for (int i = 1; i < count; ++i) {
                if (std::string(arguments[i]).starts_with(prefix)) replay(which, arguments[i] + prefix.size());
            }
            continue;
        }
        const auto begun = std::chrono::steady_clock::now();
        run(which, {});
        const auto files = corpus_of(which);
        for (const auto& file : files) replay(which, file);
        if (files.empty()) ++without;
        std::fprintf(
            stderr, "\r%-24s %4zu inputs, %lld ms%s\x1b[K\n", which.name, files.size(),
            static_cast<long long>(std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begun).count()),
            files.empty() ? ": no corpus" : "");
    }
    return without == 0 ? 0 : 1;
}
