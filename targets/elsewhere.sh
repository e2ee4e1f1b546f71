#!/usr/bin/env bash
# Checks that what developers build on other systems compiles without a warning: for macOS the command with all that is in it by
# default, for Windows the engine and WASI. Nothing is linked or run. Exit codes: 0 it does; 1 it doesn't; 3 the targets can't be had.
set -euo pipefail
cd "$(dirname "$0")/.."

{ command -v rustup && rustup target add aarch64-apple-darwin x86_64-pc-windows-gnu; } >/dev/null || {
    echo "elsewhere.sh: rustup, or what it installs for macOS and Windows, can't be had." >&2
    exit 3
}
export RUSTFLAGS="-D warnings"
cargo check --package dunlin --package dunlin-wasi-lite --package dunlin-jit --package dunlin-cli --target aarch64-apple-darwin
cargo check --package dunlin --features wat,coredump,snapshot --target x86_64-pc-windows-gnu
cargo check --package dunlin-wasi-lite --features record,trace --target x86_64-pc-windows-gnu
