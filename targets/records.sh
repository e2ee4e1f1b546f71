#!/usr/bin/env bash
# Records programs on x86_64, interpreted and compiled, and replays each on aarch64, under emulation, and the other way round:
#
#     targets/records.sh TIMES MODULE [ARGS]...
#
# DUNLIN_MODES are the two modes of --jit, "off sync" by default; "off off" is for builds without a compiler. DUNLIN_X86_64
# and DUNLIN_AARCH64 are the commands; by default what `cargo build --release` and
# `targets/aarch64.sh --build-only` leave. Exit codes: 0 all is the same; 1 something differs; 2 wrong usage; 3 there is no
# emulator or no command.
set -euo pipefail
cd "$(dirname "$0")/.."

[ $# -ge 2 ] || { echo "usage: targets/records.sh TIMES MODULE [ARGS]..." >&2; exit 2; }
readonly times=$1 module=$2
shift 2
x86_64=(${DUNLIN_X86_64:-target/release/dunlin})
aarch64=(qemu-aarch64-static ${DUNLIN_AARCH64:-target/aarch64-unknown-linux-musl/release/dunlin})
command -v "${aarch64[0]}" >/dev/null && [ -x "${x86_64[0]}" ] && [ -x "${aarch64[1]}" ] || exit 3

modes=(${DUNLIN_MODES:-off sync})
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for ((n = 0; n < times; n++)); do
    [ $((n % 2)) -eq 0 ] && here=("${x86_64[@]}") there=("${aarch64[@]}") || here=("${aarch64[@]}") there=("${x86_64[@]}")
    jit=${modes[n / 2 % 2]} other=${modes[1 - n / 2 % 2]}
    code=0 again=0
    "${here[@]}" run --jit "$jit" --record "$work/rec" "$module" "$@" >"$work/out" 2>"$work/err" </dev/null || code=$?
    "${there[@]}" replay --jit "$other" "$work/rec" "$module" >"$work/out2" 2>"$work/err2" || again=$?
    if [ "$code" -ne "$again" ] || ! cmp "$work/out" "$work/out2" || ! cmp "$work/err" "$work/err2"; then
        cat "$work/err2" >&2
        echo "records.sh: run $n of $module ended with $code and its replay with $again, or they printed something else" >&2
        exit 1
    fi
done
echo "$module: $times runs, and their replays on the other machine printed the same"
