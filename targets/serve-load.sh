#!/usr/bin/env bash
# Load on `dunlin serve`, over loopback: SECONDS with 64 connections that behave, then the same beside guests that trap,
# loop, wait, grow their memory and flood, and clients that send half a head, half a body, or go away. Says what wrk
# measured, the statuses that the server counted, and its memory, descriptors and threads before and after. The hostile
# requests are one wrk's, on 8 connections: a new process for each request would take more of the processors than the
# server does. Loads alternate, so that a machine that is busy with other things is so for both.
#
#     targets/serve-load.sh [SECONDS] [ROUNDS] [DUNLIN]
#
# Needs wrk, curl, and a dunlin with the feature hosts.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
rounds=${2:-1}
dunlin=${3:-target/release/dunlin}
page=http://127.0.0.1:18090/hello/x
trials=http://127.0.0.1:18090/trials

"$dunlin" serve --addr 127.0.0.1:18090 --metrics 127.0.0.1:18091 --access-log off --patience 2s \
    examples/hosts/modules.toml >/dev/null 2>&1 &
server=$!
hostile=()
script=$(mktemp)
cleanup() {
    kill "$server" "${hostile[@]}" 2>/dev/null || true
    rm -f "$script"
}
trap cleanup EXIT

cat >"$script" <<'END'
local paths = {}
for path in ("trap loop sleep grow-and-die grow flood exit headers"):gmatch("%S+") do
    table.insert(paths, "/trials/" .. path)
end
local asked = 0
request = function()
    asked = asked + 1
    return wrk.format("GET", paths[(asked - 1) % #paths + 1])
end
END

until curl -s -o /dev/null "$page"; do sleep 0.1; done

state() { # WHEN
    local descriptors
    descriptors=$(find "/proc/$server/fd" | wc -l)
    echo "$1: $(grep -E 'VmRSS|Threads' "/proc/$server/status" | tr -s '\t\n ' ' ') descriptors $descriptors"
    curl -s http://127.0.0.1:18091/metrics | grep -E '^dunlin_(requests_total|failures_total|guests|waiting|memory)' || true
}

load() {
    wrk -t1 -c64 "-d${seconds}s" --latency "$page" | grep -E '50%|99%|Requests/sec|Non-2xx|Socket errors' || true
}

again() { # COMMAND...: over and over
    while true; do "$@" >/dev/null 2>&1 || true; done
}

half() { # BYTES SECONDS
    exec 3<>/dev/tcp/127.0.0.1/18090
    printf "$1" >&3
    sleep "$2"
    exec 3>&-
}

be_hostile() {
    wrk -t1 -c8 -d1h -s "$script" "$trials" >/dev/null 2>&1 &
    hostile+=($!)
    again half 'GET /hello/x HTTP/1.1\r\nHost: x\r\nX-Ha' 3 &
    hostile+=($!)
    again half 'POST /trials/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nsome' 3 &
    hostile+=($!)
    again half 'GET /trials/loop HTTP/1.1\r\nHost: x\r\n\r\n' 0.1 &
    hostile+=($!)
}

be_quiet() {
    kill "${hostile[@]}"
    wait "${hostile[@]}" 2>/dev/null || true
    hostile=()
}

wrk -t1 -c64 -d2s "$page" >/dev/null
state before
for round in $(seq "$rounds"); do
    echo "--- $round: alone"
    load
    echo "--- $round: beside hostile guests and clients"
    be_hostile
    load
    be_quiet
    sleep 1
done
state after
sleep 12
state "after 12 seconds of rest"
kill "$server"
wait "$server" && echo "ended well"
