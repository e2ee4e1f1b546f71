#!/usr/bin/env bash
# Makes function.zip of a WASI program, for Lambda's runtime provided.al2023 on arm64:
#
#     examples/lambda/package.sh app.wasm [function.zip]
#
# The handler is the module's name without .wasm. Needs Rust with rustup, and zip.
set -euo pipefail
module=$(realpath "${1:?a module is missing}")
zip=$(realpath "${2:-function.zip}")
cd "$(dirname "$0")/../.."

readonly TARGET=aarch64-unknown-linux-musl
rustup target add "$TARGET"
# The musl target brings its own C library, so Rust's own linker is all it needs. Without a compiler of machine code the
# program is half as large, and starts as quickly: a function that runs for seconds may be compiled ahead of time.
CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld cargo build --release --target "$TARGET" \
    --package dunlin-cli --no-default-features --features pairs,hosts
rm -f "$zip"
zip --junk-paths --quiet "$zip" examples/lambda/bootstrap "${CARGO_TARGET_DIR:-target}/$TARGET/release/dunlin" "$module"
ls -l "$zip"
