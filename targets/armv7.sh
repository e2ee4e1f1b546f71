#!/usr/bin/env bash
# Cross-builds the dunlin command for armv7 and runs it under qemu: see targets/cross/interpreted.sh.
exec "$(dirname "$0")/cross/interpreted.sh" armv7 "$@"
