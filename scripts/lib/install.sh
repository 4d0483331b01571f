# Installs the Debian packages that building and testing need; sourced by the scripts. Says what to do where it may not.

p2pdist_build_packages="build-essential cmake ninja-build pkg-config git ca-certificates libasio-dev protobuf-compiler libprotobuf-dev libssl-dev
    libcli11-dev libsoci-dev libsqlite3-dev libcurl4-openssl-dev libspdlog-dev libtomlplusplus-dev nlohmann-json3-dev libcsv-dev"
p2pdist_run_packages="iproute2 util-linux procps openssl"
p2pdist_test_packages="catch2 ccache tcpdump nginx-light python3"
p2pdist_full_packages="clang libclang-rt-14-dev doxygen g++-mingw-w64-x86-64-posix"

# install_packages PACKAGE...: installs those that are missing.
install_packages() {
    local missing="" package
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing="$missing $package"
    done
    [ -z "$missing" ] && return 0
    local as_root=""
    if [ "$(id -u)" != 0 ]; then
        if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then as_root="sudo"; else
            echo "These packages are missing; as root, run: apt-get install$missing" >&2
            return 1
        fi
    fi
    echo "installing:$missing"
    # A package that starts a service must not start it here.
    local policy=/usr/sbin/policy-rc.d made_policy=""
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null && $as_root chmod +x "$policy" && made_policy=yes
    fi
    local status=0
    $as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null || status=$?
    [ -n "$made_policy" ] && $as_root rm -f "$policy"
    return $status
}
