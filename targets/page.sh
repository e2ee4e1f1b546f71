#!/usr/bin/env bash
# Builds the dunlin command for each target in each profile, and its peers for size, counts what they execute, and puts a row for
# each between the <!-- page --> lines of targets/README.md.
#
#     targets/page.sh [TARGET:WHAT...]
#
#     TARGET      as build.sh takes them
#     WHAT        full, small or mini, as build.sh takes them; wasm3, iwasm, wasmi or silverfir
#
# Without arguments, all are done, and the table begins anew; else these rows are renewed.
#
# wasm3 and iwasm (of WAMR) are built from copies of their sources: WASM3=DIRECTORY, WAMR=DIRECTORY; without them, they are left
# out. For x86_64, wasm3 wants musl-gcc, to be static; WAMR wants CMake. wasmi's command and Silverfir-nano come as crates. A peer
# that doesn't build is left out, with a sentence.
#
# Instructions are counted by qemu's user emulation (Debian's package qemu-user) with targets/cross/count.c, for x86_64 too, so
# they don't depend on how busy the machine is. Exit codes are build.sh's; 3 also if qemu is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

for tool in qemu-x86_64 qemu-aarch64 qemu-arm qemu-riscv64 cc; do
    command -v "$tool" >/dev/null || { echo "page.sh: $tool is missing." >&2 && exit 3; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -O2 -shared -fPIC targets/cross/count.c -o "$work/count.so"
page=targets/README.md

# Workloads, with arguments that make a moment's work of each.
workloads=(mix:20 vm:40 sha256:20 json:2 nbody:2000)
modules=benches/workloads/wasm

# What a target is run by, in words; and the C compiler and the Rust target that peers are built with.
emulator() {
    case $1 in
    x86_64-*) echo qemu-x86_64 ;;
    aarch64-*) echo qemu-aarch64 -L /usr/aarch64-linux-gnu ;;
    armv7-*) echo qemu-arm -L /usr/arm-linux-gnueabihf ;;
    riscv64-*) echo qemu-riscv64 -L /usr/riscv64-linux-gnu ;;
    esac
}
c_compiler() {
    case $1 in
    x86_64-*) echo gcc ;;
    aarch64-*) echo aarch64-linux-gnu-gcc ;;
    armv7-*) echo arm-linux-gnueabihf-gcc ;;
    riscv64-*) echo riscv64-linux-gnu-gcc ;;
    esac
}
rust_target() {
    case $1 in
    armv7-gnu) echo armv7-unknown-linux-gnueabihf ;;
    riscv64-gnu) echo riscv64gc-unknown-linux-gnu ;;
    *) echo "${1%-*}-unknown-linux-${1#*-}" ;;
    esac
}

count() { # TARGET PROGRAM ARGUMENTS...: instructions that were executed
    # Unquoted, because these are several words.
    QEMU_COUNT=$work/count $(emulator "$1") -plugin "$work/count.so" "${@:2}" >/dev/null
    cat "$work/count"
}
mb() { awk -v n="$(stat -L -c %s "$1")" 'BEGIN { printf "%.2f", n / 1e6 }'; }
millions() { awk -v n="$1" 'BEGIN { printf n < 1e8 ? "%.1f" : "%.0f", n / 1e6 }'; }

# Each builds a peer for a target, and sets what is run, and the words before a function's name.
wasm3() {
    local compiler=$(c_compiler "$1")
    [ -n "${WASM3-}" ] || return
    # Static where a C library for that can be had. With its own WASI.
    case $1 in x86_64-*) compiler='musl-gcc -static' ;; esac
    $compiler -Os -DNDEBUG -Dd_m3HasWASI -I"$WASM3/source" "$WASM3"/source/*.c "$WASM3/platforms/app/main.c" -o "$work/wasm3" -lm -s \
        -fomit-frame-pointer -ffunction-sections -fdata-sections -Wl,--gc-sections 2>/dev/null || return
    program=$work/wasm3 invoke=--func
}
iwasm() { # Its fast interpreter
    local name compiler=$(c_compiler "$1")
    [ -n "${WAMR-}" ] || return
    case $1 in x86_64-*) name=X86_64 ;; aarch64-*) name=AARCH64 ;; armv7-*) name=ARMV7 ;; riscv64-*) name=RISCV64_LP64D ;; esac
    rm -rf "$work/wamr"
    cmake -S "$WAMR/product-mini/platforms/linux" -B "$work/wamr" -DCMAKE_BUILD_TYPE=MinSizeRel -DCMAKE_SYSTEM_NAME=Linux \
        -DCMAKE_C_COMPILER="$compiler" -DCMAKE_ASM_COMPILER="$compiler" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_CXX_COMPILER_WORKS=1 \
        -DWAMR_BUILD_TARGET="$name" -DWAMR_BUILD_FAST_INTERP=1 -DWAMR_BUILD_AOT=0 -DWAMR_BUILD_SIMD=0 -DWAMR_BUILD_LIBC_WASI=1 \
        -DWAMR_BUILD_LIBC_BUILTIN=0 -DWAMR_BUILD_INVOKE_NATIVE_GENERAL=0 -DCMAKE_EXE_LINKER_FLAGS=-s >/dev/null || return
    cmake --build "$work/wamr" --target iwasm >/dev/null || return
    program=$work/wamr/iwasm invoke=--function
}
# Optimised for size, as `mini` is.
crate() { # TARGET CARGO'S-WORDS...
    local triple=$(rust_target "$1") linker=rust-lld
    case $1 in *-gnu) linker=$(c_compiler "$1") ;; esac
    env CARGO_PROFILE_RELEASE_{OPT_LEVEL=s,LTO=fat,CODEGEN_UNITS=1,PANIC=abort,STRIP=symbols} \
        "CARGO_TARGET_$(tr a-z- A-Z_ <<<"$triple")_LINKER=$linker" CARGO_TARGET_DIR="$work/crates" \
        cargo install --quiet --locked --no-track --root "$work/$1" --target "$triple" "${@:2}" >&2
}
wasmi() { # Without vectors and the text format
    crate "$1" wasmi_cli --version =2.0.0 --no-default-features --features auto-dispatch,memory64,run,stable,validate,wasi || return
    program=$work/$1/bin/wasmi invoke=--invoke
}
silverfir() {
    crate "$1" --path benches/peers/silverfir || return
    program=$work/$1/bin/silverfir-peer invoke=--invoke
}

row() { # TARGET WHAT
    local program invoke hello peak='' loading='' interpret=() once twice small large bytes name
    case $2 in
    full | small | mini)
        program=$(targets/build.sh "$1" --profile "$2" | tail -1)
        interpret=(run) invoke=--invoke
        [ "$2" != full ] || [[ $1 == armv7-* || $1 == riscv64-* ]] || interpret+=(--jit off)
        hello=$(count "$1" "$program" "${interpret[@]}" --report "$work/report" examples/wasm/hello.wasm)
        peak=$(($(sed -n 's/.*"peak_memory_bytes": *\([0-9]*\).*/\1/p' "$work/report" | head -1) / 1024))
        small=$(count "$1" "$program" validate "$modules/counters.wasm")
        large=$(count "$1" "$program" validate "$modules/format.wasm")
        bytes=$(($(stat -c %s "$modules/format.wasm") - $(stat -c %s "$modules/counters.wasm")))
        loading=$(((large - small) / bytes))
        ;;
    wasm3 | iwasm | wasmi | silverfir)
        "$2" "$1" || { echo "page.sh: $2 isn't built for $1." >&2 && return; }
        hello=$(count "$1" "$program" examples/wasm/hello.wasm)
        ;;
    *) echo "page.sh: there is no $2." >&2 && exit 2 ;;
    esac
    printf '| `%s` | %s | %s | %s | %s | %s |' "$1" "$2" "$(mb "$program")" "$(millions "$hello")" "$peak" "$loading"
    for workload in "${workloads[@]}"; do
        name=${workload%:*}
        # Loading, and translating what is called, are in both.
        once=$(count "$1" "$program" "${interpret[@]}" "$invoke" run "$modules/$name.wasm" "${workload#*:}")
        twice=$(count "$1" "$program" "${interpret[@]}" "$invoke" run "$modules/$name.wasm" $((2 * ${workload#*:})))
        printf ' %s |' "$(millions $((twice - once)))"
    done
    echo
}

if [ $# -eq 0 ]; then
    set -- {x86_64-musl,aarch64-musl,armv7-gnu,riscv64-gnu}:{full,small,mini,wasm3,iwasm,wasmi,silverfir}
    {
        printf '| target | what | MB | hello: millions | its peak of budget, KiB | loading, a byte |'
        printf ' `%s` |' "${workloads[@]%:*}"
        printf '\n|---|---|---|---|---|---|'
        printf -- '---|%.0s' "${workloads[@]}"
        echo
    } >"$work/table"
    sed -i -e "/<!-- page -->/,/<!-- \/page -->/{//!d}" -e "/<!-- page -->/r $work/table" "$page"
fi
for which in "$@"; do
    row "${which%:*}" "${which#*:}" >"$work/row"
    cat "$work/row" >&2
    # In the place of the one before it, or behind all.
    awk -v key="| \`${which%:*}\` | ${which#*:} |" -v row="$(cat "$work/row")" '
        row != "" && index($0, key) == 1 { print row; row = ""; next }
        row != "" && /<!-- \/page -->/ { print row }
        { print }' "$page" >"$work/page"
    cat "$work/page" >"$page"
done
