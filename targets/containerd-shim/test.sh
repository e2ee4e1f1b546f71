#!/usr/bin/env bash
# Builds the shim, and has containers of WebAssembly run in a real containerd, with folders and sockets of its own; root is
# needed. Installs what is missing on Debian or Ubuntu. `CONTAINERD_BIN=FOLDER` takes another containerd than the system's:
# artifacts need 1.6.25 or 1.7.7. Exit codes: 0 all passed, or was skipped and said so; 1 something failed; 3 what it needs can't be had.
set -euo pipefail
cd "$(dirname "$0")"

if [ "$(id -u)" -ne 0 ]; then
    echo "test.sh: containers need root." >&2
    exit 3
fi
missing=()
for pair in containerd:containerd runc:runc protoc:protobuf-compiler docker-registry:docker-registry skopeo:skopeo; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done
[ -e /usr/include/seccomp.h ] || missing+=(libseccomp-dev)
if [ ${#missing[@]} -gt 0 ]; then
    apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >&2 || {
        echo "test.sh: ${missing[*]}: apt-get can't install this." >&2
        exit 3
    }
fi
# Into the program, so that a node needs no library for it.
export LIBSECCOMP_LINK_TYPE=static LIBSECCOMP_LIB_PATH=${LIBSECCOMP_LIB_PATH:-/usr/lib/$(uname -m)-linux-gnu}
cargo fmt --check
cargo clippy --locked --release --all-targets -- -D warnings
cargo test --locked --release -- "$@"
