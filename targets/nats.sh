#!/usr/bin/env bash
# Has actors of several processes speak through a real NATS server on loopback: Debian's nats-server, which it installs as
# root on Debian or Ubuntu. Exit codes: 0 all passed; 1 something failed; 3 it can't be had here.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v nats-server >/dev/null; then
    # Debian starts what it installs, unless it is told otherwise: the tests start their own.
    { [ "$(id -u)" -eq 0 ] && RUNLEVEL=1 apt-get install -y -qq --no-install-recommends nats-server </dev/null >&2; } || {
        echo "nats.sh: nats-server is missing, and apt-get can't install it." >&2
        exit 3
    }
fi
cargo test --release --workspace --features dunlin-cli/tls --test nats
echo "nats.sh: all passed"
