#!/usr/bin/env bash
# Builds the dunlin command without its compiler, and has it run what the whole one compiled ahead of time. Wants the
# whole one built already: target/release/dunlin.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { # SENTENCE
    echo "slim.sh: $1" >&2
    exit 1
}

# Nothing of the compiler is left, and without machine code nothing of what runs it.
tree() { cargo tree --package dunlin-cli --edges normal --no-default-features "$@"; }
! tree --features pairs,precompiled,simd | grep -i cranelift || fail "there is a compiler in a build without one."
! tree | grep -i -e cranelift -e dunlin-jit || fail "machine code isn't left out of a build without it."

target_dir=${CARGO_TARGET_DIR:-target}
whole="$target_dir/release/dunlin"
[ -x "$whole" ] || cargo build --release --package dunlin-cli
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$whole" "$work/whole"
slim="$target_dir/slim/release/dunlin"
cargo build --release --package dunlin-cli --no-default-features --features pairs,precompiled,simd --target-dir "$target_dir/slim"
ls -l "$work/whole" "$slim"

"$work/whole" compile examples/wasm/nqueens.wasm -o "$work/nqueens.dun"
"$work/whole" compile --fuel examples/wasm/nqueens.wasm -o "$work/counting.dun"
expected=$("$work/whole" run --jit off examples/wasm/nqueens.wasm 8)
got=$("$slim" run --require-precompiled "$work/nqueens.dun" 8)
[ "$got" = "$expected" ] || fail "it printed '$got' instead of '$expected'."
"$slim" run --require-precompiled --report "$work/report.json" "$work/counting.dun" 8 >/dev/null
grep -q '"functions_precompiled": 56' "$work/report.json" || fail "the report doesn't tell of 56 functions."
for refused in "run --jit sync $work/nqueens.dun" "compile examples/wasm/nqueens.wasm -o $work/x.dun"; do
    status=0
    # Unquoted, because these are several words.
    "$slim" $refused 2>"$work/err" || status=$?
    [ "$status" -eq 2 ] && grep -qE "this build of dunlin has no (compiler|'compile')" "$work/err" ||
        fail "'$refused' ended with $status: $(cat "$work/err")"
done
echo "slim.sh: what was compiled ahead of time runs without a compiler"
