#!/usr/bin/env bash
# Cross-builds the dunlin command for aarch64 on an x86_64 machine, runs it and tests under qemu, and checks the handlers'
# machine code. One command from a fresh clone:
#
#     targets/aarch64.sh                 # the static one: a corpus (with large pages and little address space, too), compiled
#                                        # code, the official suites
#     targets/aarch64.sh --build-only    # only builds, also the one for glibc
#     targets/aarch64.sh --whole         # and the tests of the engine, of WASI and of all together, with glibc
#
# What it installs, and its exit codes: see targets/cross/common.sh.
set -euo pipefail
cd "$(dirname "$0")/.."

. targets/cross/common.sh aarch64
run=true whole=false
case "$*" in
'') ;;
--build-only) run=false whole=true ;;
--whole) whole=true ;;
*)
    echo "usage: targets/aarch64.sh [--build-only | --whole]" >&2
    exit 2
    ;;
esac

# The command and the tests together, where both are wanted, so that the engine and the compiler are built once. A test of the
# command has the command built.
tested=(--package dunlin-cli --package dunlin-jit --package dunlin-spec-tests)

build() { # TARGET
    if $run; then
        cargo test --release "${tested[@]}" --test official --test snapshot --test replaced_code --no-run --target "$1"
    else
        cargo build --release --package dunlin-cli --target "$1"
    fi
    ls -l "$target_dir/$1/release/dunlin"
}

add_rust_targets "$GNU" "$MUSL"
add_debian_packages "$run"

# The musl target brings its own C library, so Rust's own linker is all it needs.
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_LINKER=rust-lld
# The tables of handlers are addresses: packed, their relocations take a tenth less of the file, and of memory at the start.
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUSTFLAGS="-C link-arg=-z -C link-arg=pack-relative-relocs"

export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUNNER=$QEMU

build "$MUSL"
check_static "$target_dir/$MUSL/release/dunlin"
! $whole || build "$GNU"
$run || exit 0

# What the command does is tested on the build machine's own. These are unquoted, because they hold the emulator and its
# options.
greet $QEMU "$target_dir/$MUSL/release/dunlin"
agrees $QEMU "$target_dir/$MUSL/release/dunlin"
# With large pages; and where there is no address space for reservations (256 MiB in all; a processor of 39 bits has 512 GiB).
agrees $QEMU -p 65536 "$target_dir/$MUSL/release/dunlin"
TIER='--jit sync' agrees $QEMU -R 0x10000000 "$target_dir/$MUSL/release/dunlin"
if $whole; then
    TIER='--jit sync' agrees $QEMU -p 16384 "$target_dir/$MUSL/release/dunlin"
    TIER='--jit sync' agrees $QEMU -p 65536 "$target_dir/$MUSL/release/dunlin"
    TIER='--jit sync' agrees $QEMU -R 0x8000000000 "$target_dir/$MUSL/release/dunlin"
fi
official() { cargo test --release --target "$MUSL" "${tested[@]}" --test official -- "$@"; }
# The emulator keeps memory for all the address space that a process ever reserved: up to 7 GB for one of these suites.
one_by_one() { # PREFIX
    local suites suite
    suites=$(official --list | sed -n "s/^\($1.*\): test$/\1/p")
    [ -n "$suites" ]
    for suite in $suites; do official --exact "$suite"; done
}
official --skip compiled:: --skip moving::
one_by_one compiled::
if $whole; then one_by_one moving::; else one_by_one moving::tail_call; fi
# Code that takes the place of other code: with so little address space the emulator comes back to where something was.
CARGO_TARGET_AARCH64_UNKNOWN_LINUX_MUSL_RUNNER="$QEMU -R 0x18000000" \
    cargo test --release --target "$MUSL" "${tested[@]}" --test replaced_code
targets/check-handlers.sh --target "$MUSL"

# What this machine compiles for that one, runs there; and what is compiled there.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ -x "$target_dir/release/dunlin" ] || cargo build --release --package dunlin-cli
on_aarch64() { qemu-aarch64-static "$target_dir/$MUSL/release/dunlin" "$@"; }
check() { # EXPECTED RUN-OPTIONS...
    local expected=$1 got
    shift
    got=$(on_aarch64 run "$@")
    if [ "$got" != "$expected" ]; then
        echo "aarch64.sh: 'dunlin run $*' printed '$got' instead of '$expected'" >&2
        exit 1
    fi
}
queens=$(on_aarch64 run --jit off examples/wasm/nqueens.wasm 8)
echo '{"a": [1, 2.5e3, "x", null], "b": {"c": true}}' >"$work/in.json"
json=$(on_aarch64 run --jit off examples/wasm/json.wasm <"$work/in.json")
for guard in off on; do
    for name in nqueens json; do
        "$target_dir/release/dunlin" compile --target aarch64-linux --memory-guard "$guard" \
            "examples/wasm/$name.wasm" -o "$work/$name-$guard.dun"
    done
    check "$queens" --jit off --memory-guard "$guard" --require-precompiled "$work/nqueens-$guard.dun" 8
    check "$queens" --jit eager --memory-guard "$guard" examples/wasm/nqueens.wasm 8
    check "$json" --jit off --memory-guard "$guard" --require-precompiled "$work/json-$guard.dun" <"$work/in.json"
done

# With signed return addresses, which the emulated processor knows; and backtraces through them.
protect() { # MODULE FILE
    "$target_dir/release/dunlin" compile --target aarch64-linux --branch-protection "$1" -o "$2"
}
protect examples/wasm/json.wasm "$work/json.dun"
check "$json" --jit off --require-precompiled "$work/json.dun" <"$work/in.json"
echo '(module (func $deep (export "_start") (call $deep) (call $deep)))' >"$work/deep.wat"
protect "$work/deep.wat" "$work/deep.dun"
deep=$(on_aarch64 run --jit off "$work/deep.wat" 2>&1 || true)
deep_protected=$(on_aarch64 run --jit off --require-precompiled "$work/deep.dun" 2>&1 || true)
if [[ "$deep" != *exhausted*deep* || "${deep_protected//deep.dun/deep.wat}" != "$deep" ]]; then
    printf 'aarch64.sh: a deep recursion ended with:\n%s\ninstead of:\n%s\n' "$deep_protected" "$deep" >&2
    exit 1
fi
$whole || exit 0

greet $RUNNER "$target_dir/$GNU/release/dunlin"
run_tests() {
    cargo test --release --target "$GNU" "$@"
}
run_tests --package dunlin --package dunlin-wasi-lite --package dunlin-wast
# Here, too: up to 11 GB of the emulator's in one part of the budget suite, so the large parts run one by one.
large=(plans:: whole:: compiled::)
rest=(refused:: shares:: uncounted:: wasi::)
run_tests --package dunlin-spec-tests -- "${large[@]/#/--skip=}" "${rest[@]/#/--skip=}"
for part in "${large[@]}"; do
    run_tests --package dunlin-spec-tests --test budget -- "$part"
done
run_tests --package dunlin-spec-tests --test budget -- "${rest[@]}"
# Faults, stacks and pages for code. The rest of this crate's tests would compile for too long under emulation, and reserve
# more address space than the emulator bears.
run_tests --package dunlin-jit --no-default-features
