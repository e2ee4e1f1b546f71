#!/usr/bin/env bash
# Packages every crate, as `cargo publish` would, and fails at any warning. Nothing is built or uploaded; with `--verify` as
# the first argument, each package is built, too (some minutes).
set -euo pipefail
cd "$(dirname "$0")/.."
verify=--no-verify
[ "${1-}" != --verify ] || verify=

log=$(mktemp)
trap 'rm -f "$log"' EXIT
# Unquoted, because it may be nothing.
cargo package --workspace --allow-dirty $verify 2>&1 | tee "$log"
if grep -q '^warning' "$log"; then
    echo "package.sh: there are warnings" >&2
    exit 1
fi
