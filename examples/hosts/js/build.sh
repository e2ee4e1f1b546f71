#!/usr/bin/env bash
# Builds the JavaScript applications to build/*.wasm, each with the engine of Fastly's SDK in it (11 MB), so they aren't
# committed.
#
# Needs Node.js 20 or later.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p build
npm install --no-audit --no-fund --no-save --prefix build @fastly/js-compute@3.46.0
for app in app netlify-samples cloudflare-sample; do
    build/node_modules/.bin/js-compute-runtime "$app.js" "build/$app.wasm"
done
ls -l build/*.wasm
