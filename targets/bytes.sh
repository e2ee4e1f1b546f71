#!/usr/bin/env bash
# Where the bytes of the command are: by crate, as far as symbols tell, and by section.
#
#     targets/bytes.sh TARGET [--profile full|small|mini] [LARGEST]     # as build.sh takes them; with LARGEST symbols, too
#
# The command is linked once more, with symbols. What is generic counts for the crate whose types it was made for, where its
# name says so. Constants without names, such as texts, are in the section's row alone.
set -euo pipefail
cd "$(dirname "$0")/.."

largest=0
[[ ! "${!#}" =~ ^[0-9]+$ ]] || { largest=${!#} && set -- "${@:1:$#-1}"; }
program=$(KEEP_SYMBOLS=1 targets/build.sh "$@" | tail -1)
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
case $1 in
aarch64-*) tools=aarch64-linux-gnu- ;;
armv7-*) tools=arm-linux-gnueabihf- ;;
riscv64-*) tools=riscv64-linux-gnu- ;;
*) tools= ;;
esac
"${tools}objcopy" --strip-all "$program" "$stripped"

echo "| $*: crate | code | constants | tables |"
echo "|---|---|---|---|"
"${tools}nm" --print-size --radix=d --demangle "$program" | awk '
    # The first crate in a name that is none of those that come with Rust: what is generic has it among its parameters.
    function crate(name,    words, count, i, found, rust) {
        if (name ~ /^<*&*(mut )?dunlin::runtime::exec/) return "`dunlin`: handlers and what is cold of them"
        count = split(name, words, /[^a-zA-Z_0-9:]+/)
        for (i = 1; i <= count; i++) {
            if (words[i] !~ /^[a-z_0-9]+::/) continue
            found = words[i]
            sub(/::.*/, "", found)
            if (found !~ /^(core|alloc|std)$/) return "`" found "`"
            rust = 1
        }
        return rust ? "Rust: `core`, `alloc`, `std`" : "C library, and other names"
    }
    NF >= 4 {
        name = $0
        sub(/^[^ ]+ [^ ]+ . /, "", name)
        group = crate(name)
        kind = tolower($3)
        if (kind ~ /[tw]/) code[group] += $2
        else if (kind == "r") constants[group] += $2
        else if (kind == "d") tables[group] += $2
        else next
        all[group] += $2
    }
    END {
        for (group in all)
            printf "%d\t| %s | %d | %d | %d |\n", all[group], group, code[group], constants[group], tables[group]
    }' | sort -rn | cut -f2 | awk -F'|' '$3 + $4 + $5 >= 2000'
echo
echo "| section | bytes |"
echo "|---|---|"
"${tools}size" -A -d "$stripped" | awk '$2 >= 1000 && $1 ~ /^\./ && $1 !~ /bss|relro_padding/ { printf "| `%s` | %d |\n", $1, $2 }'
echo "| the file | $(stat -c %s "$stripped") |"
[ "$largest" -eq 0 ] || "${tools}nm" --print-size --size-sort --radix=d --demangle "$program" | tail -n "$largest" | cut -c18-
