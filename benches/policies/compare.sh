#!/usr/bin/env bash
# Evaluates a policy by Dunlin, compiled and interpreted, by npm's opa-wasm on Node, and by the crate opa-wasm on wasmtime,
# and prints a table: evaluations a second, how long one takes, memory, and how long it is from the start of a process to
# its first answer. The peers are fetched into target/policies. Needs node, npm and cargo.
# compare.sh POLICY ENTRYPOINT INPUT DATA [SECONDS]
set -euo pipefail
[ $# -ge 4 ] || { sed -n 5p "$0" >&2; exit 2; }
here=$(realpath "$(dirname "$0")")
root=$(realpath "$here/../..")
target=$(realpath -m "${CARGO_TARGET_DIR:-$root/target}")
peers=$target/policies
policy=$(realpath "$1") entrypoint=$2 input=$(realpath "$3") data=$(realpath "$4") seconds=${5:-3}

mkdir -p "$peers"
[ -d "$peers/node_modules/@open-policy-agent/opa-wasm" ] ||
    npm install --silent --prefix "$peers" @open-policy-agent/opa-wasm@1.10.0
(
    cd "$root"
    cargo build --quiet --release -p dunlin-benches --features policies --bin policies
    cargo build --quiet --release -p dunlin-cli --features hosts
)
cargo build --quiet --release --manifest-path "$here/wasmtime/Cargo.toml" --target-dir "$peers/wasmtime"

given=("$policy" "$entrypoint" "$input" "$data")
by_node() { (cd "$peers" && exec node "$here/node.mjs" "${given[@]}" "$1"); }
by_wasmtime() { "$peers/wasmtime/release/peer" "${given[@]}" "$1"; }
by_command() { "$target/release/dunlin" policy eval "$policy" -e "$entrypoint" -i "$input" -d "$data"; }

first() { # COMMAND...: microseconds from the start of a process to its end, the median of 15
    for _ in $(seq 15); do
        local begin=${EPOCHREALTIME/./}
        "$@" >/dev/null
        echo $((${EPOCHREALTIME/./} - begin))
    done | sort -n | sed -n 8p
}

firsts=("$(first by_command)" 0 "$(first by_node 0)" "$(first by_wasmtime 0)")
lines=()
for tier in jit off; do
    lines+=("$("$target/release/policies" "${given[@]}" "$tier" "$seconds")")
done
lines+=("$(by_node "$seconds")" "$(by_wasmtime "$seconds")")

echo "$(basename "$policy"), $entrypoint: $(sed -n 's/^model name.*: //p;T;q' /proc/cpuinfo), $(nproc) processors, load $(cut -d' ' -f1 /proc/loadavg), $(date -u +%F)"
"$target/release/dunlin" --version | head -1
echo "npm opa-wasm 1.10.0 on Node $(node --version), crate $(cargo tree -q --manifest-path "$here/wasmtime/Cargo.toml" --depth 1 | grep -oE '(opa-wasm|wasmtime) v[0-9.]+' | paste -sd' ')"
echo
echo "| Engine | Evaluations/s | Median | 99 % | Peak memory | Start to first answer |"
echo "|---|---|---|---|---|---|"
for i in "${!lines[@]}"; do
    node -e 'const [line, first] = process.argv.slice(1);
        const m = JSON.parse(line), us = (time) => time.toFixed(1) + " µs";
        console.log("| " + [m.engine, m.per_second, us(m.median_us), us(m.p99_us), (m.peak_kib / 1024).toFixed(0) + " MiB",
            first === "0" ? "" : (first / 1e3).toFixed(1) + " ms"].join(" | ") + " |");
    ' "${lines[i]}" "${firsts[i]}"
done
node -e 'const results = new Set(process.argv.slice(1).map((line) => JSON.stringify(JSON.parse(JSON.parse(line).result))));
    if (results.size > 1) { console.error("They decide differently:", ...results); process.exit(1); }' "${lines[@]}"
