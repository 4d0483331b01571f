#!/bin/bash
# The reference documentation of the public headers by Doxygen, and no warning: every class, function, type and enumeration is documented, and
# what is documented names only what exists. Data members and the values of an enumeration may speak for themselves by name and type, and so may
# what a class has to have (copying, moving, destruction, comparison): those warnings alone are left out.
# Usage: reference.sh SOURCE-DIR OUTPUT-DIR; 99 (skipped) where there is no Doxygen.
set -u
cd "$1" || exit 2
command -v doxygen >/dev/null || { echo "doxygen is not installed: apt-get install doxygen"; exit 99; }
mkdir -p "$2" || exit 2
out=$(cd "$2" && pwd)
{ cat docs/Doxyfile; printf 'OUTPUT_DIRECTORY="%s"\nWARN_LOGFILE="%s/warnings"\n' "$out" "$out"; } | doxygen - >/dev/null || exit 1
by_name='Member [^ ]+ \((variable|enumvalue)\) of .* is not documented'
by_kind='Member (~?([a-z_]+)\((const \3 ?&|\3 ?&&)?\)|operator(=|==|<=>)\(.*\)).* \((function|friend)\) of .* is not documented'
wrong=$(sed "s#^$PWD/##" "$out/warnings" | grep -vE "$by_name|$by_kind")
[ -z "$wrong" ] || { echo "$wrong"; echo "$(wc -l <<<"$wrong") warnings"; exit 1; }
echo "no warnings; open $out/html/index.html"
