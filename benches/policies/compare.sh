#!/usr/bin/env bash
# Evaluates a policy by Dunlin, compiled and interpreted, by npm's opa-wasm on Node, and by the crate opa-wasm on wasmtime;
# each prints a line of JSON. The peers are fetched into target/policies. Needs node, npm and cargo.
# compare.sh POLICY ENTRYPOINT INPUT DATA [SECONDS]
set -euo pipefail
[ $# -ge 4 ] || { sed -n 4p "$0" >&2; exit 2; }
here=$(realpath "$(dirname "$0")")
root=$(realpath "$here/../..")
peers=$root/target/policies
policy=$(realpath "$1") entrypoint=$2 input=$(realpath "$3") data=$(realpath "$4") seconds=${5:-3}

mkdir -p "$peers"
[ -d "$peers/node_modules/@open-policy-agent/opa-wasm" ] ||
    npm install --silent --prefix "$peers" @open-policy-agent/opa-wasm@1.10.0
(cd "$root" && cargo build --quiet --release -p dunlin-benches --features policies --bin policies)
cargo build --quiet --release --manifest-path "$here/wasmtime/Cargo.toml" --target-dir "$peers/wasmtime"

given=("$policy" "$entrypoint" "$input" "$data")
for tier in jit off; do
    "$root/target/release/policies" "${given[@]}" "$tier" "$seconds"
done
(cd "$peers" && node "$here/node.mjs" "${given[@]}" "$seconds")
"$peers/wasmtime/release/peer" "${given[@]}" "$seconds"
