#!/usr/bin/env bash
# How large the command is, for each of its features added alone to the smallest build: a table for targets/README.md. The builds
# share a folder, so what they have in common is compiled once.
#
#     targets/sizes.sh [FEATURE...]       # without arguments: none, each alone, and the default
set -euo pipefail
cd "$(dirname "$0")/.."
target=${TARGET:-$(rustc -vV | sed -n 's/^host: //p')}

list=$(sed -n '/^\[features\]/,/^\[lib\]/p' targets/cli/Cargo.toml)
mapfile -t features < <(sed -n 's/^\([a-z-]*\) = .*/\1/p' <<<"$list" | grep -vx default)
[ $# -eq 0 ] || features=("$@")
all=$#

size() { # ARGUMENTS OF CARGO...
    cargo build --quiet --release --package dunlin-cli --target "$target" --target-dir target/sizes "$@"
    stat -c %s "target/sizes/$target/release/dunlin"
}

mb() { # BYTES
    awk -v bytes="$1" 'BEGIN { printf "%.2f", bytes / 1e6 }'
}

brings() { # FEATURE: the other features of the command that it has
    sed -n "s/^$1 = \[\(.*\)\]/\1/p" <<<"$list" | tr -d ' "' | tr ',' '\n' | grep . | grep -v '[:/]' | sed 's/.*/`&`/' | paste -sd, | sed 's/,/, /g'
}

least=$(size --no-default-features)
echo "| features, $target | MB | more than none | brings |"
echo "|---|---|---|---|"
echo "| none | $(mb "$least") | | |"
for feature in "${features[@]}"; do
    bytes=$(size --no-default-features --features "$feature")
    echo "| \`$feature\` | $(mb "$bytes") | $(mb $((bytes - least))) | $(brings "$feature" || true) |"
done
if [ "$all" -eq 0 ]; then
    bytes=$(size)
    echo "| default | $(mb "$bytes") | $(mb $((bytes - least))) | |"
fi
