#!/usr/bin/env bash
# Checks that dunlin-hosts builds without a warning with each of its features alone, with each pair of them, and with none.
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
for set in "${sets[@]}"; do
    if ! cargo check --quiet --package dunlin-hosts --no-default-features --features "$set" >"$log" 2>&1 || [ -s "$log" ]; then
        cat "$log"
        echo "features.sh: with the features '$set' it doesn't build, or with warnings." >&2
        exit 1
    fi
done
echo "features.sh: ${#sets[@]} sets of features build without a warning"
