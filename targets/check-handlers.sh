#!/usr/bin/env bash
# Proves of a release build that the interpreter's handlers jump to each other, save nothing and call nothing, and of the
# cold ones that they call no handler: their machine code is disassembled and followed. What may differ is listed in
# spec-tests/src/bin/handlers.rs.
#
#     targets/check-handlers.sh [--target TRIPLE]        # aarch64-unknown-linux-musl or -gnu, armv7-unknown-linux-gnueabihf
#     targets/check-handlers.sh --profile full|small|mini     # as build.sh optimises it, for this machine
#     SHOW=Call.0 targets/check-handlers.sh       # the machine code of one handler
#
# targets/aarch64.sh and armv7.sh call it, with linker and emulator set. Exit code 0: so it is.
set -euo pipefail
cd "$(dirname "$0")/.."

target_dir=${CARGO_TARGET_DIR:-target}
profile=release
case "$*" in
'--profile full' | '--profile small' | '--profile mini')
    profile=$2 objdump=objdump runner= program=$target_dir/$2/handlers
    [ "$profile" = full ] || runner='env FOR_SIZE=1'
    set --
    ;;
'') objdump=objdump runner= program=$target_dir/release/handlers ;;
'--target aarch64-unknown-linux-gnu' | '--target aarch64-unknown-linux-musl') objdump=aarch64-linux-gnu-objdump ;;
'--target armv7-unknown-linux-gnueabihf') objdump=arm-linux-gnueabihf-objdump ;;
*)
    echo "usage: targets/check-handlers.sh [--target TRIPLE | --profile full|small|mini], for aarch64 or armv7" >&2
    exit 2
    ;;
esac
if [ $# -gt 0 ]; then
    program=$target_dir/$2/release/handlers
    runner=CARGO_TARGET_$(tr a-z- A-Z_ <<<"$2")_RUNNER
    runner=${!runner:-}
fi
command -v "$objdump" >/dev/null || {
    echo "check-handlers.sh: please install $objdump, which is in GNU binutils." >&2
    exit 1
}

# Tests are built, since their package's programs are built for them: so, with the same packages and features as where the tests
# run, nothing is built again.
case "${2:-}" in
'') of=--workspace ;;
aarch64-*) of='--package dunlin-cli --package dunlin-jit --package dunlin-spec-tests' ;;
*) of='--package dunlin-spec-tests' ;;
esac
# Unquoted, because these are several words.
case $profile in
release) cargo test --release $of --test official --no-run "$@" ;;
# These profiles strip symbols.
*) cargo build --profile "$profile" --package dunlin-spec-tests --bin handlers --config "profile.$profile.strip='none'" ;;
esac
# A program that is linked statically may have no relocations, and objdump fails where there is no section for them.
headers=$("$objdump" --private-headers "$program")
# The program judges its own disassembly, since it alone knows where its handlers are. The runner is unquoted because
# it holds the emulator and its options.
{
    [[ $headers != *'Dynamic Section'* ]] || "$objdump" --dynamic-reloc "$program"
    "$objdump" --disassemble --no-show-raw-insn --wide "$program"
} | $runner "$program" ${SHOW:+"$SHOW"}
