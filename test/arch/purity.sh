#!/bin/bash
# The purity line: the archives of the pure rooms import no clock, socket, thread, file, environment or random symbol.
# Usage: purity.sh DIRECTORY-OF-ARCHIVES
set -u
forbidden='clock_gettime|gettimeofday|_clock::now|std::random_device|[^_a-z](s?rand|random)(\(|$)|getrandom|getenv|pthread_create|std::thread|std::basic_(i|o)?f(ile)?stream|std::basic_filebuf|[^_a-z](fopen|fopen64|open64|openat|socket|sendto|recvfrom|sendmsg|recvmsg|nanosleep|usleep|poll|select|epoll_wait)(\(|$|@)'
wrong=0
for room in base crypto office ranking wire envelope flow content message transfer client server connector; do
    archive="$1/libp2pdist_$room.a"
    [ -f "$archive" ] || { echo "no $archive"; exit 2; }
    # The sanitizers' names are no imports of the room, and our own functions may have names like poll.
    if found=$(nm -C --undefined-only "$archive" 2>/dev/null | sed 's/^ *[Uwv] //' | grep -vE '^(__asan|__ubsan|__tsan|__sanitizer|p2pdist::|(vtable|typeinfo|typeinfo name) for p2pdist::)' | grep -E "$forbidden" | sort -u) && [ -n "$found" ]; then
        echo "$room touches the world:"
        echo "$found"
        wrong=1
    fi
done
[ "$wrong" = 0 ] && echo "pure"
exit "$wrong"
