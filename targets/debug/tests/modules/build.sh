#!/usr/bin/env bash
# Rebuilds the modules beside it, which have debug information, from their sources. They are committed: nobody needs this
# to run the tests.
#
# Needs `rustup target add wasm32-unknown-unknown`, and from Debian clang-19 lld-19.
set -euo pipefail
cd "$(dirname "$0")"

clang=${CLANG:-clang-19}
c() { # SOURCE MODULE FLAGS...
    local source=$1 module=$2
    shift 2
    "$clang" --target=wasm32-unknown-unknown -O1 -g -Wall -Wextra -nostdlib -fno-exceptions "$@" \
        "-ffile-prefix-map=$PWD=src" -Wl,--no-entry "$source" -o "$module"
}

c lines.c lines.wasm -gdwarf-4
c lines.c lines-5.wasm -gdwarf-5
# Its names in the name section stay mangled.
c shapes.cpp shapes.wasm -Wl,--no-demangle
rust() { # MODULE LINK-FLAGS...
    local module=$1
    shift
    rustc --edition 2024 --crate-type lib --emit obj --target wasm32-unknown-unknown -C opt-level=2 -C debuginfo=2 \
        -C codegen-units=1 -C panic=abort -C symbol-mangling-version=v0 --remap-path-prefix "$PWD=src" \
        --remap-path-prefix "$(rustc --print sysroot)=rust" nested.rs -o "$object"
    wasm-ld-19 --no-entry --no-demangle --export=weight "$@" "$object" -o "$module"
}

object=$(mktemp)
trap 'rm -f "$object"' EXIT
rust nested.wasm
rust stripped.wasm --strip-debug
chmod 644 ./*.wasm

# A path of the machine that built a module has no business inside it.
if grep -alE "$PWD|$HOME/|/root/|/tmp/" ./*.wasm; then
    echo "build.sh: a path of this machine is left in the files above" >&2
    exit 1
fi
ls -l ./*.wasm | awk '{ print $5, $9 }'
