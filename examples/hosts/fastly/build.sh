#!/usr/bin/env bash
# Builds the application to build/app.wasm. Its library comes from the registry of Rust's crates, so it isn't committed.
#
# Needs `rustup target add wasm32-wasip1`.
set -euo pipefail
cd "$(dirname "$0")"
cargo build --release --target wasm32-wasip1 --target-dir "${TARGET:-target}"
mkdir -p build
cp "${TARGET:-target}/wasm32-wasip1/release/app.wasm" build/
ls -l build
