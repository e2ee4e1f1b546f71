#!/usr/bin/env bash
# Rebuilds the modules in this folder from throws.cpp: one with `try` and `catch` as they were before their proposal was
# finished, which is what this compiler emits, and one with `try_table`.
#
# Needs em++ (Debian's emscripten) and wasm-opt of Binaryen 118 or later (npm's binaryen): WASM_OPT says where it is.
set -euo pipefail
cd "$(dirname "$0")"

wasm_opt=${WASM_OPT:-wasm-opt}
em++ -O2 -fwasm-exceptions -sSTANDALONE_WASM throws.cpp -o throws-legacy.wasm
"$wasm_opt" --translate-to-exnref --enable-exception-handling --enable-reference-types --enable-bulk-memory \
    --enable-multivalue throws-legacy.wasm -o throws.wasm
chmod 644 throws.wasm throws-legacy.wasm

leaks=$(grep -alE "$PWD|$HOME/|/home/|/root/|/tmp/" throws.wasm throws-legacy.wasm || true)
if [ -n "$leaks" ]; then
    echo "build.sh: a path of this machine is left in: $leaks" >&2
    exit 1
fi
ls -l throws*.wasm | awk '{ print $5, $9 }'
