#!/usr/bin/env bash
# Rebuilds every module in examples/wasm/ and examples/hosts/ from its source. The modules are committed: nobody needs this to run them.
#
# Needs `rustup target add wasm32-wasip1 wasm32-unknown-unknown`, and from Debian clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32 wabt.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p wasm

clang=${CLANG:-clang-19}
sysroot=$(rustc --print sysroot)
cargo_home=${CARGO_HOME:-$HOME/.cargo}

objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT

# Compiling and linking are two steps because clang, asked for both with -O2, runs wasm-opt if that happens to be
# installed, and the outcome would depend on the machine. The stack comes first in memory, so that overflowing it
# traps and doesn't run over data.
c() { # NAME LINK-FLAGS...
    local name=$1
    shift
    "$clang" --target=wasm32-wasi -O2 -Wall -Wextra "-ffile-prefix-map=$PWD=." -c "$name/$name.c" \
        -o "$objects/$name.o"
    "$clang" --target=wasm32-wasi "$objects/$name.o" -Wl,--stack-first -Wl,-z,stack-size=65536 "$@" \
        -o "wasm/$name.wasm"
}

rust() { # NAME [FLAGS...]
    local name=$1
    shift
    wasi "$name/$name.rs" "wasm/$name.wasm" "$@"
}

wasi() { # SOURCE MODULE [FLAGS...]
    local source=$1 module=$2
    shift 2
    rustc --edition 2024 --target wasm32-wasip1 -C lto=fat -C codegen-units=1 -C panic=abort -C strip=symbols \
        -C link-arg=--stack-first -C link-arg=-zstack-size=262144 \
        --remap-path-prefix "$PWD=." --remap-path-prefix "$sysroot=rust" --remap-path-prefix "$cargo_home=cargo" \
        "$@" "$source" -o "$module"
}

c hello -Wl,--strip-all
c wc -Wl,--strip-all
c nqueens -Wl,--strip-all
# The debug sections go, the function names stay: they are what a backtrace shows.
c trap -Wl,--strip-debug
rust cp -C opt-level=s
rust json -C opt-level=s
rust dir -C opt-level=s
rust mandel -C opt-level=3
rust serve -C opt-level=s
wasi hosts/page.rs hosts/page.wasm -C opt-level=s
wasi hosts/trials.rs hosts/trials.wasm -C opt-level=s
wasi hosts/edge.rs hosts/edge.wasm -C opt-level=s
# Not a WASI program. The compiler can't export constants, by which a policy says its version: the text format can.
# Without them, it is a policy of ABI 1.0.
rustc --edition 2024 --crate-type cdylib --target wasm32-unknown-unknown -C lto=fat -C codegen-units=1 \
    -C panic=abort -C strip=symbols -C opt-level=s -C link-arg=--import-memory -C link-arg=--stack-first \
    -C link-arg=-zstack-size=65536 --remap-path-prefix "$PWD=." --remap-path-prefix "$sysroot=rust" \
    hosts/policy.rs -o hosts/policy-1.0.wasm
version='(global (export "opa_wasm_abi_version") i32 (i32.const 1))
(global (export "opa_wasm_abi_minor_version") i32 (i32.const 2)))'
wasm2wat hosts/policy-1.0.wasm | sed '$ s/)$//' | cat - <(echo "$version") > "$objects/policy.wat"
wat2wasm "$objects/policy.wat" -o hosts/policy.wasm
for guest in filter actor runnable; do
    rustc --edition 2024 --crate-type cdylib --target wasm32-unknown-unknown -C lto=fat -C codegen-units=1 \
        -C panic=abort -C strip=symbols -C opt-level=s -C link-arg=--stack-first -C link-arg=-zstack-size=65536 \
        --remap-path-prefix "$PWD=." --remap-path-prefix "$sysroot=rust" --remap-path-prefix "$cargo_home=cargo" \
        "hosts/$guest.rs" -o "hosts/$guest.wasm"
done
wat2wasm smallest.wat -o wasm/smallest.wasm
wat2wasm add.wat -o wasm/add.wasm

chmod 644 wasm/*.wasm hosts/*.wasm

# A path of the machine that built a module has no business inside it.
leaks=$(grep -alE "$PWD|$HOME/|$sysroot|/home/|/root/|/tmp/" wasm/*.wasm hosts/*.wasm || true)
if [ -n "$leaks" ]; then
    echo "build.sh: a path of this machine is left in: $leaks" >&2
    exit 1
fi
ls -l wasm/*.wasm hosts/*.wasm | awk '{ print $5, $9 }'
