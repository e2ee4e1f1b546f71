#!/usr/bin/env bash
# Cross-builds the dunlin command for riscv64 and runs it under qemu: see targets/cross/interpreted.sh.
exec "$(dirname "$0")/cross/interpreted.sh" riscv64 "$@"
