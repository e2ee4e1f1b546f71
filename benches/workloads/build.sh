#!/usr/bin/env bash
# Rebuilds every module in wasm/ from its source. The modules are committed: nobody needs this to run the benchmarks.
#
# Needs `rustup target add wasm32-unknown-unknown`, and from Debian clang-19 and lld-19.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p wasm

clang=${CLANG:-clang-19}
linker=${WASM_LD:-wasm-ld-19}
sysroot=$(rustc --print sysroot)
cargo_home=${CARGO_HOME:-$HOME/.cargo}

objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT

# Relocations are compressed because wasm3 refuses a table's index in more bytes than it needs.
#
# The extensions beyond the first version of WebAssembly are those that compilers use by default today. Compiling and
# linking are two steps because clang, asked for both, runs wasm-opt if that happens to be installed.
c() { # NAME FLAGS...
    local name=$1
    shift
    "$clang" --target=wasm32 -std=gnu17 -ffreestanding -ffp-contract=off -Wall -Wextra -Werror \
        -mbulk-memory -msign-ext -mnontrapping-fptoint "$@" "-ffile-prefix-map=$PWD=." \
        -c "c/$name.c" -o "$objects/$name.o"
    "$linker" --no-entry --stack-first -z stack-size=65536 --strip-all --compress-relocations "$objects/$name.o" -o "wasm/$name.wasm"
}

rust() { # NAME FLAGS...
    local name=$1
    shift
    rustc --edition 2024 --target wasm32-unknown-unknown --crate-type cdylib \
        -C lto=fat -C codegen-units=1 -C panic=abort -C strip=symbols \
        -C link-arg=--compress-relocations -C link-arg=--stack-first -C link-arg=-zstack-size=262144 \
        --remap-path-prefix "$PWD=." --remap-path-prefix "$sysroot=rust" --remap-path-prefix "$cargo_home=cargo" \
        "$@" "rust/$name.rs" -o "wasm/$name.wasm"
}

c mix -O2
c recursion -O2
c sort -O2
c lz -O2
c vm -O2
c btree -O2
c trees -O2
c mandel -O2
c counters -O2
c calls -O2
c tails -O2 -mtail-call
c switches -O2
c matching -O2
c methods -O2
c copies -O2
c sha256 -O3
c keccak -O3
c argon2 -O3
c x25519 -O3
c nbody -O3
c matmul -O3
c matmul_simd -O3 -msimd128
c mandel_simd -O3 -msimd128
c chacha_simd -O3 -msimd128
c image_simd -O3 -msimd128
c text_simd -O3 -msimd128 -fno-vectorize -fno-slp-vectorize
rust hashmap -C opt-level=3
rust json -C opt-level=3
rust regex -C opt-level=3
rust format -C opt-level=2
rust objects -C opt-level=3
rust script -C opt-level=3

chmod 644 wasm/*.wasm

# A path of the machine that built a module has no business inside it.
leaks=$(grep -alE "$PWD|$HOME/|$sysroot|/home/|/root/|/tmp/" wasm/*.wasm || true)
if [ -n "$leaks" ]; then
    echo "build.sh: a path of this machine is left in: $leaks" >&2
    exit 1
fi
ls -l wasm/*.wasm | awk '{ print $5, $9 }'
