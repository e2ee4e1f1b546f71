#!/usr/bin/env bash
# Runs a corpus with a dunlin command and prints what must be the same on every machine, byte for byte: what programs
# print, exit codes, fuel, traps and backtraces.
#
#     targets/cross/corpus.sh COMMAND...       # such as: qemu-arm-static target/.../dunlin
#
# OPTIONS are given to each run, such as OPTIONS='--jit eager'. Exit code 0: all ran, whatever they did.
set -uo pipefail
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || {
    echo "usage: targets/cross/corpus.sh COMMAND..." >&2
    exit 2
}
command=("$@")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

input=$work/input
for i in $(seq 100); do
    echo "one two, three $i"
done >"$input"

run() { # NAME RUN-OPTIONS-MODULE-ARGUMENTS...
    local name=$1 code=0
    shift
    rm -f "$work/report"
    # Unquoted, because there may be several.
    "${command[@]}" run ${OPTIONS:-} --report "$work/report" "$@" <"$input" >"$work/out" 2>"$work/err" || code=$?
    echo "== $name: exit code $code"
    cat "$work/out"
    sed "s|$work/||g" "$work/err"
    grep -E '"(outcome|fuel_used|functions)"' "$work/report" || echo "no report"
}

# What the command prints of a module in the text format.
text() { # NAME FUEL TEXT [ARGUMENTS...]
    local name=$1 fuel=$2
    echo "(module $3)" >"$work/$name.wat"
    shift 3
    run "$name, $fuel fuel" --fuel "$fuel" --invoke f "$work/$name.wat" "$@"
}

# The arguments of a short run of each workload, from the table that tests check the results by.
while read -r name n; do
    n=${n//_/}
    run "workload $name $n" --fuel 1000000000 --invoke run "benches/workloads/wasm/$name.wasm" "$n"
done < <(sed -n 's/^ *workload!("\([a-z0-9_]*\)",[^,]*, \([0-9_]*\) =>.*/\1 \2/p' benches/src/workloads.rs)

for program in hello wc trap 'nqueens 8' 'mandel 60' 'json'; do
    # Unquoted: its name, and its arguments.
    set -- $program
    name=$1
    shift
    run "example $program" --fuel 1000000000 "examples/wasm/$name.wasm" "$@"
done
# Wherever the fuel ends, and there at the same place.
for fuel in 1 100 1000 10007 100003; do
    run "example nqueens 8, $fuel fuel" --fuel "$fuel" examples/wasm/nqueens.wasm 8
done

readonly MANY=1000000
text unreachable $MANY '(func $g unreachable) (func (export "f") (call $g))'
text division $MANY '(func $div (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
    (func (export "f") (param i32 i32) (result i32) (call $div (local.get 0) (local.get 1)))' 7 0
text overflow $MANY '(func (export "f") (param i64 i64) (result i64) (i64.div_s (local.get 0) (local.get 1)))' \
    -9223372036854775808 -1
text conversion $MANY '(func (export "f") (param f64) (result i64) (i64.trunc_f64_s (local.get 0)))' 9.3e18
text nan $MANY '(func (export "f") (param f32) (result i32) (i32.trunc_f32_u (local.get 0)))' nan
text outside $MANY '(memory 1 2) (func (export "f") (param i32) (result i64)
    (drop (memory.grow (i32.const 1))) (i64.load offset=131060 (local.get 0)))' 5
text far $MANY '(memory 1) (func (export "f") (result i32) (i32.load offset=4294967295 (i32.const -1)))'
text far64 $MANY '(memory i64 1) (func (export "f") (result i32) (i32.load (i64.const 0x100000000)))'
text copied $MANY '(memory 1) (func (export "f") (memory.copy (i32.const 65530) (i32.const -8) (i32.const 7)))'
text element $MANY '(table 3 funcref) (func (export "f") (param i32) (call_indirect (local.get 0)))' 3
text null $MANY '(table 3 funcref) (func (export "f") (param i32) (call_indirect (local.get 0)))' 2
text signature $MANY '(table funcref (elem $g)) (func $g (param i32))
    (func (export "f") (call_indirect (i32.const 0)))'
text deep $MANY '(func $f (export "f") (param i64 i32) (result i64)
    (i64.add (i64.const 1) (call $f (local.get 0) (local.get 1))))' 1 2
text mutual $MANY '(type $t (func (param i32 f64) (result f64))) (table funcref (elem $even $odd))
    (func $even (type $t) (f64.add (f64.const 1) (call $odd (local.get 0) (local.get 1))))
    (func $odd (type $t) (local i32 i64 v128) (call_indirect (type $t) (local.get 0) (local.get 1) (i32.const 0)))
    (func (export "f") (result f64) (call $even (i32.const 1) (f64.const 2)))'
text endless $MANY '(func (export "f") (loop (br 0)))'
text tails 100003 '(func $f (export "f") (param i32) (return_call $f (i32.add (local.get 0) (i32.const 1))))' 1
text thrown $MANY '(tag $e (param i32)) (func $g (param i32) (throw $e (local.get 0)))
    (func (export "f") (param i32) (call $g (local.get 0)))' 9
text caught $MANY '(tag $e (param i32 i64)) (func $g (param i32) (throw $e (local.get 0) (i64.const 5)))
    (func (export "f") (param i32) (result i32 i64)
        (block $h (result i32 i64) (try_table (catch $e $h) (call $g (local.get 0))) (i32.const 0) (i64.const 0)))' 9
text grown 10000000 '(memory 1 65536) (table 1 funcref) (func (export "f") (result i32 i32 i32 i32)
    (memory.grow (i32.const 10)) (memory.grow (i32.const 65536))
    (table.grow (ref.null func) (i32.const 100)) (table.grow (ref.null func) (i32.const 20000000)))'
text wide $MANY '(func (export "f") (param i64 i64) (result i64 i64 i64 i64)
    (i64.mul (local.get 0) (local.get 1)) (i64.rem_u (local.get 0) (local.get 1))
    (i64.rotl (local.get 0) (local.get 1)) (i64.popcnt (local.get 0)))' -7000000000000000001 12345678901
text floats $MANY '(func (export "f") (param f64 f32) (result f64 f64 f32 f32 f64 i64)
    (f64.sqrt (local.get 0)) (f64.nearest (local.get 0)) (f32.div (local.get 1) (f32.const 3))
    (f32.min (local.get 1) (f32.const -0)) (f64.promote_f32 (local.get 1))
    (i64.trunc_sat_f64_u (f64.mul (local.get 0) (f64.const 1e300))))' 2.5 1e-40
text vectors $MANY '(func (export "f") (param i64 f32) (result i64 i64 f32 i32)
    (i64x2.extract_lane 1 (i64x2.mul (i64x2.splat (local.get 0)) (v128.const i64x2 3 -5)))
    (i64x2.extract_lane 0 (i8x16.swizzle (i64x2.splat (local.get 0)) (v128.const i8x16 7 6 5 4 3 2 1 0 9 9 9 9 9 9 9 9)))
    (f32x4.extract_lane 2 (f32x4.sqrt (f32x4.splat (local.get 1))))
    (i8x16.bitmask (i16x8.lt_s (i64x2.splat (local.get 0)) (v128.const i16x8 1 2 3 4 -5 -6 -7 -8))))' -81985529216486896 2
