#!/usr/bin/env bash
# Builds the dunlin command for each target in each profile, counts what it executes, and puts the table between the
# <!-- page --> lines of targets/README.md.
#
#     targets/page.sh [TARGET:PROFILE...]         # as build.sh takes them; all by default
#
# Instructions are counted by qemu's user emulation (Debian's package qemu-user) with targets/cross/count.c, for x86_64 too, so
# they don't depend on how busy the machine is. Exit codes are build.sh's; 3 also if qemu is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

[ $# -gt 0 ] || set -- {x86_64-musl,aarch64-musl}:{full,small,mini} {armv7-gnu,riscv64-gnu}:{full,small,mini}
for tool in qemu-x86_64 qemu-aarch64 qemu-arm qemu-riscv64 cc; do
    command -v "$tool" >/dev/null || { echo "page.sh: $tool is missing." >&2 && exit 3; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -O2 -shared -fPIC targets/cross/count.c -o "$work/count.so"

emulator() { # TARGET: the command, in words
    case $1 in
    x86_64-*) echo qemu-x86_64 ;;
    aarch64-*) echo qemu-aarch64 -L /usr/aarch64-linux-gnu ;;
    armv7-*) echo qemu-arm -L /usr/arm-linux-gnueabihf ;;
    riscv64-*) echo qemu-riscv64 -L /usr/riscv64-linux-gnu ;;
    esac
}

count() { # EMULATOR PROGRAM ARGUMENTS...: instructions that were executed
    # Unquoted, because these are several words.
    QEMU_COUNT=$work/count $1 -plugin "$work/count.so" "${@:2}" >/dev/null
    cat "$work/count"
}

millions() { awk -v n="$1" 'BEGIN { printf n < 1e8 ? "%.1f" : "%.0f", n / 1e6 }'; }

# Workloads, with arguments that make a moment's work of each.
workloads=(mix:20 vm:40 sha256:20 json:2 nbody:2000)
modules=benches/workloads/wasm
{
    printf '| target | profile | MB | hello: millions | its peak of budget, KiB | loading, a byte |'
    printf ' `%s` |' "${workloads[@]%:*}"
    printf '\n|---|---|---|---|---|---|'
    printf -- '---|%.0s' "${workloads[@]}"
    echo
} >"$work/table"
for row in "$@"; do
    target=${row%:*} profile=${row#*:}
    program=$(targets/build.sh "$target" --profile "$profile" | tail -1)
    emulator=$(emulator "$target")
    interpret=(run)
    [ "$profile" != full ] || [[ $target == armv7-* || $target == riscv64-* ]] || interpret+=(--jit off)
    hello=$(count "$emulator" "$program" "${interpret[@]}" --report "$work/report" examples/wasm/hello.wasm)
    peak=$(sed -n 's/.*"peak_memory_bytes": *\([0-9]*\).*/\1/p' "$work/report" | head -1)
    small=$(count "$emulator" "$program" validate "$modules/counters.wasm")
    large=$(count "$emulator" "$program" validate "$modules/format.wasm")
    bytes=$(($(stat -c %s "$modules/format.wasm") - $(stat -c %s "$modules/counters.wasm")))
    {
        printf '| `%s` | %s | %s | %s | %s | %s |' "$target" "$profile" "$(awk -v n="$(stat -c %s "$program")" 'BEGIN { printf "%.2f", n / 1e6 }')" \
            "$(millions "$hello")" "$((peak / 1024))" "$(((large - small) / bytes))"
        for workload in "${workloads[@]}"; do
            none=$(count "$emulator" "$program" "${interpret[@]}" --invoke run "$modules/${workload%:*}.wasm" 0)
            some=$(count "$emulator" "$program" "${interpret[@]}" --invoke run "$modules/${workload%:*}.wasm" "${workload#*:}")
            printf ' %s |' "$(millions $((some - none)))"
        done
        echo
    } >>"$work/table"
    tail -1 "$work/table" >&2
done
sed -i -e "/<!-- page -->/,/<!-- \/page -->/{//!d}" -e "/<!-- page -->/r $work/table" targets/README.md
