#!/usr/bin/env bash
# Builds examples/bare for machines without an operating system, a Cortex-M4 and a 64-bit ARM, runs it under qemu, compares what it
# computes with what the command computes here, and says how large the engine is.
#
#     targets/bare.sh
#
# It installs what is missing: Rust's targets and its tools for object files through rustup and, as root on Debian or Ubuntu, qemu.
# Exit codes: 0 all passed; 1 something failed; 3 something is missing that can't be had here.
set -euo pipefail
cd "$(dirname "$0")/.."
SCRIPT=bare.sh
. targets/cross/common.sh x86_64

add_rust_targets thumbv7em-none-eabihf aarch64-unknown-none >&2
rustup component add llvm-tools >&2 || missing "rustup could not install llvm-tools."
{ have qemu-system-arm && have qemu-system-aarch64; } || install_debian_packages qemu-system-arm
tools=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin
dunlin=$target_dir/release/dunlin
[ -x "$dunlin" ] || cargo build --release --package dunlin-cli

# What each module gives here, in the words of the example.
expected=$(mktemp) report=$(mktemp) printed=$(mktemp)
trap 'rm -f "$expected" "$report" "$printed"' EXIT
for name in $(sed -n 's/.*modules!\[\(.*\)\];/\1/p' examples/bare/src/main.rs | tr -d '"'); do
    result=$("$dunlin" run --jit off --report "$report" --fuel 1000000000 --invoke run "benches/workloads/wasm/$name.wasm" 8)
    echo "$name: $result, $(sed -n 's/.*"fuel_used": *\([0-9]*\).*/\1/p' "$report") fuel" >>"$expected"
done
[ -s "$expected" ] || {
    echo "bare.sh: the example names no modules" >&2
    exit 1
}

# How many bytes of code and of constants come from which crate, of those that are in the program. What LLVM gave no symbol, such as
# texts, is no crate's.
by_crate() { # PROGRAM
    "$tools/llvm-nm" --print-size --radix=d --demangle "$1" | awk '
        NF >= 4 && $3 ~ /^[tTrRvVwW]$/ {
            name = $0; sub(/^[^ ]+ [^ ]+ . /, "", name)
            # Of an implementation of a trait, the name of the type is mangled still.
            gsub(/\.\./, "::", name)
            crate = match(name, /[a-z_0-9]+::/) ? substr(name, RSTART, RLENGTH - 2) : "others"
            if (crate !~ /^(dunlin|wasmparser|core|alloc|hashbrown|libm|siphasher|compiler_builtins)$/) crate = "others"
            kind = $3 ~ /[tTwW]/ ? "code" : "constants"
            bytes[crate " " kind] += $2
        }
        END { for (key in bytes) { split(key, of, " "); print of[1], of[2], bytes[key] } }' | sort
}

run() { # TARGET QEMU...
    local target=$1
    shift
    cargo build --quiet --release --manifest-path examples/bare/Cargo.toml --target "$target" --target-dir "$target_dir/bare" "${options[@]}"
    local program=$target_dir/bare/$target/release/dunlin-bare
    timeout 600 "$@" -display none -monitor none -serial none -semihosting-config enable=on,target=native -kernel "$program" >"$printed" || {
        cat "$printed"
        echo "bare.sh: $target: the program failed, or took more than ten minutes" >&2
        exit 1
    }
    diff --unified "$expected" <(grep ' fuel$' "$printed") || {
        echo "bare.sh: $target computes something else than this machine; - is here, + there" >&2
        exit 1
    }
    echo "$target: $(wc -l <"$expected") modules, $(tail -1 "$printed")"
    "$tools/llvm-size" -A "$program" | awk '$1 ~ /^\.(text|rodata|data)$/ { printf "    %s %d", $1, $2 } END { print "" }'
    by_crate "$program" | sed 's/^/    /'
}

options=()
build_library release core,alloc || true
run thumbv7em-none-eabihf qemu-system-arm -machine mps2-an386
run aarch64-unknown-none qemu-system-aarch64 -nic none -machine virt -cpu cortex-a53 -m 128
