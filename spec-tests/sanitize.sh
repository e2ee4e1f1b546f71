#!/usr/bin/env bash
# Runs tests under tools that see what a test can't: accesses beside the memory that they belong to, and after it was
# freed. See "Checked by tools" in ARCHITECTURE.md.
#
#   spec-tests/sanitize.sh asan-engine     AddressSanitizer over the engine and WASI
#   spec-tests/sanitize.sh asan-jit        AddressSanitizer over the compiled tier
#   spec-tests/sanitize.sh valgrind        valgrind's memcheck over the engine
#
# Further arguments go to `cargo test`, or are names of the engine's test binaries for valgrind. All of it uses loop
# dispatch: under these tools, handlers don't jump.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:?"asan-engine, asan-jit or valgrind"}
shift
host=$(rustc -vV | sed -n 's/^host: //p')
export CARGO_TARGET_DIR=target/sanitize/$what

asan() {
    export RUSTC_BOOTSTRAP=1 RUSTFLAGS="--cfg dunlin_loop_only -Zsanitizer=address"
    # Tests ask for more memory than there is; faults in compiled code are the engine's own.
    export ASAN_OPTIONS=allocator_may_return_null=1:handle_segv=0:handle_sigill=0:handle_sigbus=0:handle_sigfpe=0
    ASAN_OPTIONS+=:use_sigaltstack=0:detect_stack_use_after_return=0
    cargo test --release --target "$host" --no-fail-fast "$@"
}

case $what in
asan-engine)
    asan -p dunlin -p dunlin-wasi-lite --lib --tests "$@"
    asan -p dunlin-spec-tests --test truncated --test wasi "$@" -- truncated programs::
    ;;
asan-jit)
    # A trap leaves frames without their ends, and what AddressSanitizer noted of these stays, which it takes for errors
    # in `compare` and `fuzz`. `machines` bounds the address space, of which this takes 16 TiB.
    asan -p dunlin-jit --lib --test api --test code_cache --test dropped_modules --test eviction --test interrupt --test resumable "$@"
    ;;
valgrind)
    export RUSTFLAGS="--cfg dunlin_loop_only" CARGO_TARGET_"$(tr a-z- A-Z_ <<<"$host")"_RUNNER="valgrind -q --error-exitcode=99"
    tests=()
    for test in "${@:-api errors features handlers linking nans nesting osr profile resumable starved truncated validator_memory vectors}"; do
        for name in $test; do tests+=(--test "$name"); done
    done
    cargo test --release -p dunlin -p dunlin-spec-tests --no-fail-fast "${tests[@]}"
    ;;
*)
    echo "there is no $what" >&2
    exit 2
    ;;
esac
