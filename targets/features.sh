#!/usr/bin/env bash
# Checks that dunlin-hosts builds without a warning with each of its features alone, with each pair of them, and with none; and the
# engine with and without std.
#
#     targets/features.sh [--alone]       # --alone leaves the pairs out
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t features < <(sed -n '/^\[features\]/,/^\[\[/s/^\([a-z-]*\) = .*/\1/p' targets/hosts/Cargo.toml | grep -vx default)
sets=("" "${features[@]}")
if [ "${1-}" != --alone ]; then
    for ((i = 0; i < ${#features[@]}; i++)); do
        for ((j = i + 1; j < ${#features[@]}; j++)); do
            sets+=("${features[i]},${features[j]}")
        done
    done
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
check() { # PACKAGE FEATURES
    if ! cargo check --quiet --package "$1" --no-default-features --features "$2" >"$log" 2>&1 || [ -s "$log" ]; then
        cat "$log"
        echo "features.sh: with the features '$2' $1 doesn't build, or with warnings." >&2
        exit 1
    fi
}
for set in "${sets[@]}"; do
    check dunlin-hosts "$set"
done
for set in "" loop common-pairs pairs loop,pairs std; do
    check dunlin "$set"
done
echo "features.sh: ${#sets[@]} sets of features of dunlin-hosts, and six of dunlin, build without a warning"
