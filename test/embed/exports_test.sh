#!/bin/bash
# What our shared libraries export is ours and meant to be seen: names in namespace p2pdist, and of these nothing internal.
# Usage: exports_test.sh DIRECTORY-OF-LIBRARIES
set -u
wrong=0
shopt -s nullglob
libraries=("$1"/libp2pdist*.so)
[ "${#libraries[@]}" = 4 ] || { echo "not four libraries: ${libraries[*]}"; exit 1; }
for library in "${libraries[@]}"; do
    exported=$(nm -D --defined-only "$library" | sed 's/^[0-9a-f]* *[A-Za-z] //')
    # Of Asio the thread's call stack alone, which it must share with the program (cmake/package/exports.map).
    foreign=$(grep -vE '^_Z(N|NK|TVN|TIN|TSN)7p2pdist|^_ZNKSt4hashIN7p2pdist|^_Z(G?V?)N4asio6detail(10call_stack.*4top_E|15keyword_tss_ptr.*6value_E)$' <<<"$exported" | c++filt)
    # The name itself, without its arguments.
    inner=$(c++filt <<<"$exported" | sed 's/(.*//' |
        grep -E 'p2pdist::(detail|net|client_room|pb|sim::detail)::|::(implementation|impl|state|core)::' |
        grep -vE '^p2pdist::detail::(assertion_failed|result_misused)$')
    [ -z "$foreign" ] || { echo "$library exports what is not ours:"; head -n 10 <<<"$foreign"; wrong=1; }
    [ -z "$inner" ] || { echo "$library exports what is internal:"; head -n 10 <<<"$inner"; wrong=1; }
    printf '%-24s %4d exported names, %d bytes, %s\n' "$(basename "$library")" "$(wc -l <<<"$exported")" "$(stat -Lc %s "$library")" \
        "$(objdump -p "$library" | sed -n 's/ *SONAME *//p')"
done
exit "$wrong"
