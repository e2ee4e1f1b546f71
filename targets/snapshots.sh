#!/usr/bin/env bash
# Moves programs from x86_64 to aarch64, under emulation, and back whenever their fuel ends, until they end, and
# compares what they print with an undisturbed run:
#
#     targets/snapshots.sh FUEL MODULE [ARGS]...
#
# DUNLIN_X86_64 and DUNLIN_AARCH64 are the commands; by default what `cargo build --release` and
# `targets/aarch64.sh --build-only` leave. Exit codes: 0 all is the same; 1 something differs; 2 wrong usage; 3 there is no
# emulator or no command.
set -euo pipefail
cd "$(dirname "$0")/.."

[ $# -ge 2 ] || { echo "usage: targets/snapshots.sh FUEL MODULE [ARGS]..." >&2; exit 2; }
readonly fuel=$1 module=$2
shift 2
here=(${DUNLIN_X86_64:-target/release/dunlin})
there=(qemu-aarch64-static ${DUNLIN_AARCH64:-target/aarch64-unknown-linux-musl/release/dunlin})
command -v "${there[0]}" >/dev/null && [ -x "${here[0]}" ] && [ -x "${there[1]}" ] || exit 3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${here[@]}" run "$module" "$@" >"$work/whole"
options=(run --fuel "$fuel" --snapshot "$work/app.snap" --snapshot-on fuel)
from=()
moves=0
while true; do
    [ $((moves % 2)) -eq 0 ] && command=("${here[@]}") || command=("${there[@]}")
    code=0
    "${command[@]}" "${options[@]}" "${from[@]}" "$module" "$@" >>"$work/moved" 2>"$work/said" || code=$?
    [ "$code" -eq 125 ] || break
    from=(--resume "$work/app.snap")
    moves=$((moves + 1))
done
if [ "$code" -ne 0 ] || ! cmp "$work/whole" "$work/moved"; then
    cat "$work/said" >&2
    echo "snapshots.sh: after $moves moves, $module ended with $code, or printed something else" >&2
    exit 1
fi
echo "$module: $moves moves, and it printed the same"
