#!/usr/bin/env bash
# Whether the shim's lock file still fits the crates it is made of.
set -euo pipefail
cd "$(dirname "$0")"
cargo metadata --locked --format-version 1 >/dev/null
