#!/bin/bash
# The arrows of docs/architecture.md: a room includes only what stands below it. Usage: arrows.sh SOURCE-DIR
set -u
cd "$1" || exit 2
declare -A uses=(
    [base]="" [crypto]="base" [office]="base" [ranking]="base office" [wire]="base" [envelope]="wire crypto" [flow]="envelope"
    [content]="base crypto" [message]="flow" [transfer]="flow content" [client]="message transfer office ranking"
    [server]="message transfer office ranking" [connector]="message" [driver]="client server connector"
    [sim]="client server connector"
)
closure() { local room; for room in ${uses[$1]}; do printf '%s\n' "$room"; closure "$room"; done; }
wrong=0
for room in "${!uses[@]}"; do
    [ -d "src/$room" ] || { echo "there is no room src/$room"; wrong=1; }
    allowed=" $room $(closure "$room" | sort -u | tr '\n' ' ')"
    # The simulated world computes with the driver's cryptography: a value handed in, whose maker is named in one header.
    [ "$room" = sim ] && allowed="$allowed driver/openssl_crypto.hpp "
    while IFS=: read -r file line text; do
        path=$(sed -n 's/.*#include "p2pdist\/\([^"]*\)".*/\1/p' <<<"$text")
        target=${path%%/*}
        case "$allowed" in *" $target "*|*" $path "*) ;; *) echo "$file:$line: $room may not include $path"; wrong=1 ;; esac
    done < <(grep -rnE '#include "p2pdist/' "include/p2pdist/$room" "src/internal/p2pdist/$room" "src/$room" 2>/dev/null)
done
# A shared library hides what is not marked: what another library of ours calls must be.
for room in driver sim; do
    for path in $(grep -rhoE '#include "p2pdist/[^"]+"' "src/$room" | sed 's/.*"\(.*\)"/\1/' | sort -u); do
        header=src/internal/$path
        { [ -f "$header" ] && [ "${path#p2pdist/"$room"/}" = "$path" ]; } || continue
        unmarked=$(grep -nE '^(\[\[nodiscard\]\] )?[a-z][A-Za-z0-9_:<>,&* ]* [a-z_0-9]+\(' "$header" | grep -vE 'P2PDIST_|inline|constexpr|^[0-9]+:(template|using|return)')
        [ -z "$unmarked" ] || { echo "$header: P2PDIST_INTERNAL is missing, $room uses it: $unmarked"; wrong=1; }
    done
done
# Libraries stay inside the room that needs them.
while IFS=: read -r file line text; do
    echo "$file:$line: a library's header in a public header of a pure room: $text"
    wrong=1
done < <(grep -rnE '#include <(google|openssl|soci|curl|CLI|asio|spdlog|nlohmann|csv|toml)' include/p2pdist --include='*.hpp' | grep -v '^include/p2pdist/driver/[^:]*:[0-9]*:#include <asio')
# What knows one operating system stands in its folder of the driver.
while IFS=: read -r file line text; do
    [ "$file" = src/driver/dtls/dtls_association.cpp ] && continue  # timeval, which OpenSSL's interface speaks of
    echo "$file:$line: a system's header: $text"
    wrong=1
done < <(grep -rnE '#include <(sys/|unistd|fcntl|netinet/|arpa/|net/|ifaddrs|poll|pwd|netdb|linux/|windows|winsock|ws2|iphlpapi|bcrypt)' include src | grep -vE '^src/driver/(posix|windows)/')
# Examples are embedders: what is internal is not for them.
while IFS=: read -r file line text; do
    path=$(sed -n 's/.*#include [<"]p2pdist\/\([^">]*\)[">].*/\1/p' <<<"$text")
    [ -f "include/p2pdist/$path" ] || { echo "$file:$line: not a public header: $path"; wrong=1; }
done < <(grep -rnE '#include [<"]p2pdist/' examples 2>/dev/null)
# A header's name says where it is: the two roots must not both have it.
while read -r path; do
    [ -f "include/p2pdist/$path" ] && { echo "src/internal/p2pdist/$path: public, too"; wrong=1; }
done < <(cd src/internal/p2pdist && find . -name '*.hpp' | sed 's#^\./##')
# What pure rooms may not even name.
while IFS=: read -r file line text; do
    echo "$file:$line: above the purity line: $text"
    wrong=1
done < <(for room in "${!uses[@]}"; do
    case $room in driver|sim) continue ;; esac
    grep -rnE '#include <(thread|mutex|future|condition_variable|fstream|iostream|filesystem|random|sys/|unistd|asio|openssl|curl|soci)|clock::now\(|getenv\(|random_device' "include/p2pdist/$room" "src/internal/p2pdist/$room" "src/$room" 2>/dev/null
done)
[ "$wrong" = 0 ] && echo "all arrows point down"
exit "$wrong"
