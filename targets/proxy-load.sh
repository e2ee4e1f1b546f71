#!/usr/bin/env bash
# Load on a proxy with filters and on an application of Fastly Compute, over loopback: SECONDS with 32 connections each that
# behave, then the same beside another proxy whose filter traps, loops, grows its memory, floods headers and never continues,
# and clients that send half a head, half a body, or go away. Says what wrk measured, and each server's memory, descriptors and
# threads before and after. A filter that fails answers 503 until it is replaced, so the bad one has a proxy of its own.
#
#     targets/proxy-load.sh [SECONDS] [DUNLIN] [APP.wasm FASTLY.toml]
#
# Needs wrk, curl, the example `origin` of dunlin-hosts, and a dunlin with the feature hosts. An application is built by
# examples/hosts/fastly/build.sh or examples/hosts/js/build.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
dunlin=${2:-target/release/dunlin}
app=${3:-}
toml=${4:-}
proxy=18190
guest=18191
worse=18193
origin=18192
filter=examples/hosts/filter.wasm
bad=$(mktemp -d)
pids=()
hostile=()
cleanup() {
    kill "${pids[@]}" "${hostile[@]}" 2>/dev/null || true
    rm -rf "$bad"
}
trap cleanup EXIT

# A filter that does what the second byte of a path says, where the first is an x.
cat >"$bad/bad.wat" <<'END'
(module
    (import "env" "proxy_get_header_map_value" (func $get (param i32 i32 i32 i32 i32) (result i32)))
    (import "env" "proxy_add_header_map_value" (func $add (param i32 i32 i32 i32 i32) (result i32)))
    (import "env" "proxy_close_stream" (func $close (param i32) (result i32)))
    (memory (export "memory") 1 1000)
    (data (i32.const 0) ":path") (data (i32.const 16) "x-many")
    (func (export "proxy_abi_version_0_2_1"))
    (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 4096))
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (local $does i32)
        (drop (call $get (i32.const 0) (i32.const 0) (i32.const 5) (i32.const 64) (i32.const 68)))
        (if (i32.ne (i32.load8_u (i32.const 4097)) (i32.const 120)) (then (return (i32.const 0))))
        (local.set $does (i32.load8_u (i32.const 4098)))
        (if (i32.eq (local.get $does) (i32.const 116)) (then unreachable))
        (if (i32.eq (local.get $does) (i32.const 108)) (then (loop (br 0))))
        (if (i32.eq (local.get $does) (i32.const 103))
            (then (loop $grow (br_if $grow (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))))
        (if (i32.eq (local.get $does) (i32.const 104))
            (then (loop $more (br_if $more (i32.eqz
                (call $add (i32.const 0) (i32.const 16) (i32.const 6) (i32.const 16) (i32.const 6)))))))
        (if (i32.eq (local.get $does) (i32.const 99)) (then (drop (call $close (i32.const 0)))))
        ;; Paused, and never continued.
        (i32.eq (local.get $does) (i32.const 112))))
END

"${ORIGIN:-target/release/examples/origin}" 127.0.0.1:$origin &
pids+=($!)
"$dunlin" serve --addr 127.0.0.1:$proxy --access-log off --patience 2s --timeout 2s --memory 64MiB \
    --filter "$filter=headers" --filter "$filter=body" --upstream http://127.0.0.1:$origin >"$bad/proxy.log" 2>&1 &
pids+=($!)
"$dunlin" serve --addr 127.0.0.1:$worse --access-log off --patience 2s --timeout 2s --memory 64MiB \
    --filter "$bad/bad.wat" --filter "$filter=headers" --upstream http://127.0.0.1:$origin >"$bad/worse.log" 2>&1 &
pids+=($!)
servers=("proxy ${pids[1]} $proxy" "worse ${pids[2]} $worse")
if [ -n "$app" ]; then
    "$dunlin" serve --addr 127.0.0.1:$guest --access-log off --patience 2s --timeout 2s "$app" --config "$toml" \
        >"$bad/app.log" 2>&1 &
    pids+=($!)
    servers+=("application ${pids[3]} $guest")
fi
for server in "${servers[@]}"; do
    until curl -s -o /dev/null "http://127.0.0.1:${server##* }/"; do sleep 0.1; done
done

state() { # WHEN
    local name pid port
    for server in "${servers[@]}"; do
        read -r name pid port <<<"$server"
        echo "$1: $name: $(grep -E 'VmRSS|Threads' "/proc/$pid/status" | tr -s '\t\n ' ' ') descriptors $(find "/proc/$pid/fd" | wc -l)"
    done
}

load() {
    local name pid port waits=()
    for server in "${servers[@]}"; do
        read -r name pid port <<<"$server"
        [ "$name" = worse ] && continue
        (wrk -t1 -c32 "-d${seconds}s" --latency "http://127.0.0.1:$port/" |
            grep -E '50%|99%|Requests/sec|Non-2xx|Socket errors' | sed "s/^ */$name: /") &
        waits+=($!)
    done
    wait "${waits[@]}"
}

again() { # COMMAND...: over and over
    while true; do "$@" >/dev/null 2>&1 || true; done
}

half() { # PORT BYTES SECONDS
    exec 3<>"/dev/tcp/127.0.0.1/$1"
    printf "$2" >&3
    sleep "$3"
    exec 3>&-
}

cat >"$bad/hostile.lua" <<'END'
local asked = 0
request = function()
    asked = asked + 1
    return wrk.format("GET", ({ "/xt", "/xl", "/xg", "/xh", "/xp", "/xc", "/panic", "/throw" })[(asked - 1) % 8 + 1])
end
END

be_hostile() {
    local name pid port
    for server in "${servers[@]}"; do
        read -r name pid port <<<"$server"
        if [ "$name" != proxy ]; then
            wrk -t1 -c8 -d1h -s "$bad/hostile.lua" "http://127.0.0.1:$port" >/dev/null 2>&1 &
            hostile+=($!)
        fi
        again half "$port" 'GET / HTTP/1.1\r\nHost: x\r\nX-Ha' 3 &
        hostile+=($!)
        again half "$port" 'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nsome' 3 &
        hostile+=($!)
        again half "$port" 'GET /xp HTTP/1.1\r\nHost: x\r\n\r\n' 0.1 &
        hostile+=($!)
    done
}

wrk -t1 -c32 -d2s "http://127.0.0.1:$proxy/" >/dev/null
state before
echo "--- alone"
load
state between
echo "--- beside hostile filters, applications and clients"
be_hostile
load
kill "${hostile[@]}"
wait "${hostile[@]}" 2>/dev/null || true
hostile=()
echo "the bad filter failed $(grep -c -E 'trapped|failed' "$bad/worse.log") times"
sleep 1
state after
sleep 12
state "after 12 seconds of rest"
kill "${pids[@]:1}"
wait "${pids[@]:1}" && echo "ended well"
