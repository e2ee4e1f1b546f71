#!/usr/bin/env bash
# Rebuilds every test program in testsuite/ from its source. They are committed: nobody needs this to run them.
#
# Needs `rustup target add wasm32-unknown-unknown`, and from Debian clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32.
set -euo pipefail
cd "$(dirname "$0")"

clang=${CLANG:-clang-19}
sysroot=$(rustc --print sysroot)
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT

for source in rust/*.rs; do
    name=$(basename "$source" .rs)
    [ "$name" = guest ] && continue
    # Without a C library between the test and the host, so not for a target of WASI's.
    rustc --edition 2024 --target wasm32-unknown-unknown -C opt-level=s -C lto=fat -C codegen-units=1 \
        -C panic=abort -C strip=symbols -C link-arg=--export=_start -C link-arg=--stack-first \
        -C link-arg=-zstack-size=65536 --remap-path-prefix "$sysroot=rust" -D warnings "$source" \
        -o "testsuite/rust/$name.wasm"
done
for source in c/*.c; do
    name=$(basename "$source" .c)
    # In two steps, for asked for both clang runs wasm-opt if that happens to be installed.
    "$clang" --target=wasm32-wasi -O2 -Wall -Wextra -c "$source" -o "$objects/$name.o"
    "$clang" --target=wasm32-wasi "$objects/$name.o" -Wl,--stack-first -Wl,-z,stack-size=65536 -Wl,--strip-all \
        -o "testsuite/c/$name.wasm"
done
chmod 644 testsuite/*/*.wasm
