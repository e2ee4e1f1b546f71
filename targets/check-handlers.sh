#!/usr/bin/env bash
# Proves of a release build that the interpreter's handlers jump to each other, save nothing and call nothing: their
# machine code is disassembled and followed. What may differ is listed in spec-tests/src/bin/handlers.rs.
#
#     targets/check-handlers.sh [--target aarch64-unknown-linux-gnu]
#     SHOW=Call.0 targets/check-handlers.sh       # the machine code of one handler
#
# The target may also be armv7-unknown-linux-gnueabihf. targets/aarch64.sh and armv7.sh call it, with linker and emulator set.
# Exit code 0: so it is.
set -euo pipefail
cd "$(dirname "$0")/.."

target_dir=${CARGO_TARGET_DIR:-target}
case "$*" in
'')
    objdump=objdump runner= program=$target_dir/release/handlers
    ;;
'--target aarch64-unknown-linux-gnu')
    objdump=aarch64-linux-gnu-objdump
    runner=${CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER:-}
    program=$target_dir/aarch64-unknown-linux-gnu/release/handlers
    ;;
'--target armv7-unknown-linux-gnueabihf')
    objdump=arm-linux-gnueabihf-objdump
    runner=${CARGO_TARGET_ARMV7_UNKNOWN_LINUX_GNUEABIHF_RUNNER:-}
    program=$target_dir/armv7-unknown-linux-gnueabihf/release/handlers
    ;;
*)
    echo "usage: targets/check-handlers.sh [--target aarch64-unknown-linux-gnu]" >&2
    exit 2
    ;;
esac
command -v "$objdump" >/dev/null || {
    echo "check-handlers.sh: please install $objdump, which is in GNU binutils." >&2
    exit 1
}

# Here, of the whole workspace's features: so what its tests built is used. For other machines, as little as there is.
[ $# -eq 0 ] && of=--workspace || of=--package=dunlin-spec-tests
cargo build --release $of --bin handlers "$@"
# The program judges its own disassembly, since it alone knows where its handlers are. The runner is unquoted because
# it holds the emulator and its options.
{ "$objdump" --dynamic-reloc "$program" && "$objdump" --disassemble --no-show-raw-insn --wide "$program"; } |
    $runner "$program" ${SHOW:+"$SHOW"}
