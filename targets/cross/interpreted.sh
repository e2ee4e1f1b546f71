#!/usr/bin/env bash
# Cross-builds the dunlin command, without the compiler, for a machine that Cranelift isn't used for, on an x86_64 machine; and
# runs it and tests under qemu. targets/armv7.sh and targets/riscv64.sh call it:
#
#     targets/armv7.sh                # a sample: programs that must do there what they do here
#     targets/armv7.sh --build-only
#     targets/armv7.sh --whole        # and the tests of the engine, of WASI and of all together, the official suites among them
#
# What it installs, and its exit codes: see targets/cross/common.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."
. targets/cross/common.sh "$1"
shift
run=true whole=false
case "$*" in
'') ;;
--build-only) run=false ;;
--whole) whole=true ;;
*)
    echo "usage: targets/$NAME.sh [--build-only | --whole]" >&2
    exit 2
    ;;
esac

add_rust_targets "$GNU"
add_debian_packages "$run"

program=$target_dir/$GNU/release/dunlin
cargo build --release --package dunlin-cli --target "$GNU" --no-default-features --features loop,pairs,simd,snapshot,text
ls -l "$program"
$run || exit 0

# Unquoted, because it holds the emulator and its options.
greet $RUNNER "$program"
agrees $RUNNER "$program"
$whole || exit 0

run_tests() {
    # Under emulation, one run is to tell all that fails.
    cargo test --release --no-fail-fast --target "$GNU" "$@"
}
# At once, so that the engine is built for all with the same features.
together=(--package dunlin --package dunlin-spec-tests --package dunlin-wasi-lite --package dunlin-wast)
# With 64 bits, the emulator keeps memory for all the address space that a process ever reserved, more than a machine has. So there
# isn't much of it, but for a test that wants many instances at once.
[ "$NAME" = armv7 ] || export "CARGO_TARGET_${upper}_RUNNER=$RUNNER -R 0xf0000000"
run_tests "${together[@]}" -- --skip sleepers_sleep_at_once
env "CARGO_TARGET_${upper}_RUNNER=$RUNNER" cargo test --release --target "$GNU" "${together[@]}" --test asynchronous -- sleepers_sleep_at_once
# Without handlers of several cells.
run_tests --package dunlin --no-default-features --features loop,simd,std
[ "$NAME" != armv7 ] || targets/check-handlers.sh --target "$GNU"
