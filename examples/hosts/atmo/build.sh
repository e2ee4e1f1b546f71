#!/usr/bin/env bash
# Builds the runnable, and the bundle build/runnables.wasm.zip of it. Its library comes from the registry of Rust's crates, so
# it isn't committed.
#
# Needs `rustup target add wasm32-wasip1`, and Python to write the archive.
set -euo pipefail
cd "$(dirname "$0")"
cargo build --release --target wasm32-wasip1 --target-dir "${TARGET:-target}"
mkdir -p build
cp "${TARGET:-target}/wasm32-wasip1/release/greet.wasm" build/
rm -f build/runnables.wasm.zip
python3 - << 'END'
import zipfile
with zipfile.ZipFile("build/runnables.wasm.zip", "w", zipfile.ZIP_DEFLATED) as bundle:
    bundle.write("Directive.yaml")
    bundle.write("build/greet.wasm", "greet.wasm")
END
ls -l build
