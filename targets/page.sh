#!/usr/bin/env bash
# Builds the dunlin command for each target in each profile, counts what it executes, and puts the table between the
# <!-- page --> lines of targets/README.md.
#
#     targets/page.sh [TARGET:PROFILE...]         # as build.sh takes them; all by default
#
# Peers stand beside them, built for size, if there is a copy of their sources: WASM3=DIRECTORY, WAMR=DIRECTORY.
# For x86_64, wasm3 wants musl-gcc, to be static; WAMR wants CMake. Their sizes for aarch64 are without the C library.
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

mb() { awk -v n="$(stat -L -c %s "$1")" 'BEGIN { printf "%.2f", n / 1e6 }'; }

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
        printf '| `%s` | %s | %s | %s | %s | %s |' "$target" "$profile" "$(mb "$program")" \
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

# What a row says of a program that is run with these words before a module, and with those before a function's name.
peer_row() { # TARGET NAME PROGRAM INVOKE
    local emulator hello none some workload
    emulator=$(emulator "$1")
    hello=$(count "$emulator" "$3" examples/wasm/hello.wasm)
    printf '| `%s` | %s | %s | %s | | |' "$1" "$2" "$(mb "$3")" "$(millions "$hello")"
    for workload in "${workloads[@]}"; do
        none=$(count "$emulator" "$3" "$4" run "$modules/${workload%:*}.wasm" 0)
        some=$(count "$emulator" "$3" "$4" run "$modules/${workload%:*}.wasm" "${workload#*:}")
        printf ' %s |' "$(millions $((some - none)))"
    done
    echo
}
wasm3() { # COMPILER... : of its own command, with its own WASI
    "$@" -Os -DNDEBUG -Dd_m3HasWASI -I"$WASM3/source" "$WASM3"/source/*.c "$WASM3/platforms/app/main.c" -o "$work/wasm3" -lm -s \
        -fomit-frame-pointer -ffunction-sections -fdata-sections -Wl,--gc-sections 2>/dev/null
}
iwasm() { # COMPILER WAMR'S-NAME: with the fast interpreter and WASI
    rm -rf "$work/wamr"
    cmake -S "$WAMR/product-mini/platforms/linux" -B "$work/wamr" -DCMAKE_BUILD_TYPE=MinSizeRel -DCMAKE_SYSTEM_NAME=Linux \
        -DCMAKE_C_COMPILER="$1" -DCMAKE_ASM_COMPILER="$1" -DCMAKE_CXX_COMPILER="$1" -DCMAKE_CXX_COMPILER_WORKS=1 \
        -DWAMR_BUILD_TARGET="$2" -DWAMR_BUILD_FAST_INTERP=1 -DWAMR_BUILD_AOT=0 -DWAMR_BUILD_SIMD=0 -DWAMR_BUILD_LIBC_WASI=1 \
        -DWAMR_BUILD_LIBC_BUILTIN=0 -DWAMR_BUILD_INVOKE_NATIVE_GENERAL=0 -DCMAKE_EXE_LINKER_FLAGS=-s >/dev/null
    cmake --build "$work/wamr" --target iwasm >/dev/null
}
peers() {
    if [ -n "${WASM3-}" ]; then
        wasm3 musl-gcc -static
        peer_row x86_64-musl wasm3 "$work/wasm3" --func
        wasm3 aarch64-linux-gnu-gcc
        peer_row aarch64-gnu wasm3 "$work/wasm3" --func
    fi
    if [ -n "${WAMR-}" ]; then
        iwasm gcc X86_64
        peer_row x86_64-gnu iwasm "$work/wamr/iwasm" --function
        iwasm aarch64-linux-gnu-gcc AARCH64
        peer_row aarch64-gnu iwasm "$work/wamr/iwasm" --function
    fi
}
peers >>"$work/table"
sed -i -e "/<!-- page -->/,/<!-- \/page -->/{//!d}" -e "/<!-- page -->/r $work/table" targets/README.md
