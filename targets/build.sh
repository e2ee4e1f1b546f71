#!/usr/bin/env bash
# Builds the dunlin command for a target, on x86_64 Linux, from a fresh clone.
#
#     targets/build.sh TARGET [--profile full|small|mini]
#
#     TARGET      aarch64-gnu, aarch64-musl, x86_64-gnu, x86_64-musl, armv7-gnu or riscv64-gnu
#     full        tier, hosts, text format, snapshots and records, debugging; for x86_64 all that is on by default, and hosts
#     small       interpreter with superinstructions, WASI, precompiled code
#     mini        interpreter and WASI, without vectors, optimised for size
#
# For small and mini, Rust's own library is built with the command; see targets/README.md.
#
# The last line that it prints is the file's path. Those for musl are static: one file to copy. It installs what is missing:
# Rust's target through rustup and, as root on Debian or Ubuntu, a linker and its C library. Exit codes: 0 built; 1 it
# doesn't build; 2 wrong usage; 3 something is missing that can't be had here.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    sed -n '4,9s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

profile=full
case "$#:${2-}" in
1:) ;;
3:--profile) profile=$3 ;;
*) usage ;;
esac

case "$1" in
x86_64-gnu | x86_64-musl | aarch64-gnu | aarch64-musl | armv7-gnu | riscv64-gnu) ;;
*) usage ;;
esac
SCRIPT=build.sh
. targets/cross/common.sh "${1%-*}"
# For musl, Rust brings all that is needed.
case "$1" in
*-musl) triple=$MUSL linker=rust-lld ;;
x86_64-gnu) triple=$GNU linker=cc ;;
*) triple=$GNU linker=$TOOLS-gcc ;;
esac

# On a board, what only a developer's machine needs isn't there: compiling for other processors, flame graphs, `explore`.
board=coredump,debug-info,gdb,hosts,inspect,manual,pairs,record,resolver,simd,snapshot,text,trace
# There is no tier for armv7 and riscv64, and so nothing that runs its code.
case "$profile:$1" in
full:armv7-gnu | full:riscv64-gnu) features=$board ;;
full:aarch64-*) features=$board,jit ;;
full:*) features=default,hosts ;;
small:armv7-gnu | small:riscv64-gnu) features=common-pairs,inspect,simd ;;
small:*) features=common-pairs,inspect,precompiled,simd ;;
mini:*) features= ;;
*) usage ;;
esac

add_rust_targets "$triple" >&2
case "$linker" in
rust-lld) ;;
cc) have cc || install_debian_packages gcc libc6-dev ;;
*) add_debian_packages false ;;
esac

# Where the sources are on this machine is nobody's business, and takes place.
flags=" --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src/="
flags+=" --remap-path-prefix=$(rustc --print sysroot)/lib/rustlib/src/rust/library/="
# A linker called through a compiler takes options in another form.
linked() { # LINKER'S OPTION...
    local option
    for option in "$@"; do
        [ "$linker" = rust-lld ] || option=-Wl,$option
        flags+=" -C link-arg=$option"
    done
}
case "$1" in
# At a fixed address: tables of addresses need no relocations, which take a twentieth of the space, and memory at the start.
*-musl) flags+=" -C relocation-model=static -C target-feature=+crt-static" ;;
*) linked -z pack-relative-relocs ;;
esac
options=()
case "$profile:$1" in
full:*-musl) linked --icf=all ;;
full:*) ;;
*)
    # Panics end the process, so nothing is unwound.
    flags+=" -C force-unwind-tables=no"
    # Where code is optimised for size, LLVM outlines what functions share, for RISC-V and 64-bit ARM by itself. Handlers would then call,
    # and on RISC-V lost what they held in registers. On ARM it leaves alone what is in a section of its own.
    case $1 in
    aarch64-*) flags+=" --cfg dunlin_handlers_apart" ;;
    *) flags+=" -C llvm-args=-enable-machine-outliner=never" ;;
    esac
    [[ $1 != *-musl ]] || linked --icf=all
    if build_library "$profile" std; then
        [[ $1 != *-musl ]] || linked --no-eh-frame-hdr
    fi
    ;;
esac

name=$(tr a-z- A-Z_ <<<"$triple")
env "CARGO_TARGET_${name}_LINKER=$linker" "CARGO_TARGET_${name}_RUSTFLAGS=$flags" \
    cargo build --profile "$profile" --package dunlin-cli --no-default-features --features "$features" --target "$triple" \
    "${options[@]}" ${KEEP_SYMBOLS:+--config "profile.$profile.package.dunlin-cli.strip='none'"} >&2
echo "${CARGO_TARGET_DIR:-target}/$triple/$profile/dunlin"
