#!/usr/bin/env bash
# How large the command is, for each of its features added alone to the smallest build: a table for targets/README.md. Each is a
# build of its own, which takes minutes.
#
#     targets/sizes.sh [FEATURE...]       # without arguments: none, each alone, and the default
set -euo pipefail
cd "$(dirname "$0")/.."
target=${TARGET:-$(rustc -vV | sed -n 's/^host: //p')}

mapfile -t features < <(sed -n '/^\[features\]/,/^\[lib\]/s/^\([a-z-]*\) = .*/\1/p' targets/cli/Cargo.toml | grep -vx default)
[ $# -eq 0 ] || features=("$@")

size() { # ARGUMENTS OF CARGO...
    cargo build --quiet --release --package dunlin-cli --target "$target" --target-dir target/sizes "$@"
    stat -c %s "target/sizes/$target/release/dunlin"
}

mb() { # BYTES
    awk -v bytes="$1" 'BEGIN { printf "%.2f", bytes / 1e6 }'
}

least=$(size --no-default-features)
echo "| features, $target | MB | more than none |"
echo "|---|---|---|"
echo "| none | $(mb "$least") | |"
for feature in "${features[@]}"; do
    bytes=$(size --no-default-features --features "$feature")
    echo "| \`$feature\` | $(mb "$bytes") | $(mb $((bytes - least))) |"
done
if [ $# -eq 0 ]; then
    bytes=$(size)
    echo "| default | $(mb "$bytes") | $(mb $((bytes - least))) |"
fi
