#!/usr/bin/env bash
# Builds the filters to build/. The library that they use comes from the registry of Rust's crates, so they aren't committed.
#
# Needs `rustup target add wasm32-wasip1`.
set -euo pipefail
cd "$(dirname "$0")"
target=${TARGET:-target}
cargo build --release --examples --locked --target wasm32-wasip1 --target-dir "$target"
mkdir -p build
cp "$target"/wasm32-wasip1/release/examples/{mark,guard,shout,count,check,lines}.wasm build/
ls -l build
