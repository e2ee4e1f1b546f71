#!/usr/bin/env bash
# Builds the dunlin command with the functions that every run executes beside each other, so that a process touches fewer
# pages of it. Wants valgrind, which finds out which functions these are, and Rust's own linker, lld.
#
#     targets/light.sh [--no-default-features ...]        # what cargo build takes; the program is target/release/dunlin
set -euo pipefail
cd "$(dirname "$0")/.."

command -v valgrind >/dev/null || {
    echo "light.sh: please install valgrind." >&2
    exit 1
}
target_dir=$(realpath -m "${CARGO_TARGET_DIR:-target}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The names of functions depend on the profile, so both builds have the same.
build=(--release --package dunlin-cli --config 'profile.release.package.dunlin-cli.strip="none"' "$@")

cargo build "${build[@]}"
# A short program gets as far as having a compiler, but uses none.
valgrind --quiet --tool=cachegrind --cache-sim=no --demangle=no --cachegrind-out-file="$work/executed" \
    "$target_dir/release/dunlin" run --jit-threshold 1000000 examples/wasm/hello.wasm
sed -n 's/^fn=//p' "$work/executed" | sort -u >"$target_dir/start.order"
cargo rustc "${build[@]}" --bin dunlin -- -C strip=symbols \
    -C link-arg=-Wl,--symbol-ordering-file="$target_dir/start.order",--no-warn-symbol-ordering
echo "light.sh: $(wc -l <"$target_dir/start.order") functions are at the beginning of $target_dir/release/dunlin"
