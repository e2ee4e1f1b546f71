#!/usr/bin/env bash
# Fifty containers with the shim, and fifty with runc and a static native program: how long each takes to start, and what all its
# processes take of memory. As root; wants what test.sh installs, wabt, a C compiler with a static C library, and the built shim.
#     ./density.sh [COUNT]
set -euo pipefail
cd "$(dirname "$0")"

count=${1:-50}
shims=$PWD/target/release
work=$(mktemp -d)
ctr=(timeout 60 ctr --address "$work/sock" --namespace density)
containerd=
clean() {
    for kind in dunlin runc; do
        for n in $(seq "$count"); do
            "${ctr[@]}" task rm --force "$kind-$n" && "${ctr[@]}" container rm "$kind-$n"
        done
    done >/dev/null 2>&1 || true
    [ -z "$containerd" ] || kill "$containerd"
    wait || true
    rm -rf "$work"
}
trap clean EXIT

cat >"$work/config.toml" <<TOML
version = 2
root = "$work/root"
state = "$work/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "$work/sock"
TOML
PATH=$shims:$PATH containerd --config "$work/config.toml" >"$work/log" 2>&1 &
containerd=$!
until "${ctr[@]}" version >/dev/null 2>&1; do sleep 0.1; done

# Both say a line and sleep.
cat >"$work/app.wat" <<'WAT'
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\40\00\00\00\06\00\00\00")
  (data (i32.const 64) "hello\n")
  (data (i32.const 144) "\01")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24)))
    (i64.store (i32.const 152) (i64.const 3600000000000))
    (drop (call $poll (i32.const 128) (i32.const 256) (i32.const 1) (i32.const 400)))))
WAT
printf '#include <stdio.h>\n#include <unistd.h>\nint main() { puts("hello"); fflush(stdout); pause(); }\n' >"$work/app.c"
mkdir "$work/dunlin" "$work/runc"
wat2wasm "$work/app.wat" -o "$work/dunlin/app"
cc -static -O2 "$work/app.c" -o "$work/runc/app"
chmod 755 "$work"/*/app

run() { # KIND NUMBER [OPTION...]: each has a folder of its own kind as its root
    "${ctr[@]}" run --detach --null-io --rootfs "${@:3}" "$work/$1" "$1-$2" /app
}

# PSS of a process, in KiB.
pss() { # PID
    awk '/^Pss:/ { print $2 }' "/proc/$1/smaps_rollup" 2>/dev/null || echo 0
}

family() { # PID: it, and what is below it
    local child
    echo "$1"
    for child in $(cat /proc/"$1"/task/*/children 2>/dev/null); do family "$child"; done
}

measure() { # KIND [OPTION...]
    local kind=$1 n start times=() pid processes=0 total=0
    shift
    for n in $(seq "$count"); do
        start=$(date +%s%N)
        run "$kind" "$n" "$@"
        times+=($((($(date +%s%N) - start) / 1000)))
    done
    n=$("${ctr[@]}" task ls | grep -c "^$kind-.*RUNNING")
    [ "$n" -eq "$count" ] || {
        echo "density.sh: only $n of $count $kind containers run." >&2
        return 1
    }
    # All that the shims' names are in, and what they have started.
    local all=()
    for pid in $((grep -lzs "$work/sock" /proc/[0-9]*/cmdline || true) | cut -d/ -f3); do
        # The search itself is one of them, and gone.
        [ -e "/proc/$pid" ] || continue
        case "$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" || true)" in
        *containerd-shim-*"-id $kind-"*) all+=($(family "$pid")) ;;
        esac
    done
    for pid in $(printf '%s\n' "${all[@]}" | sort -u); do
        total=$((total + $(pss "$pid")))
        processes=$((processes + 1))
    done
    printf '%s\n' "${times[@]}" | sort -n | awk -v kind="$kind" -v total="$total" -v processes="$processes" -v count="$count" '
        { t[NR] = $1 }
        END { printf "| %s | %.0f ms | %.0f ms | %.1f MB | %.1f |\n", kind, t[int((NR + 1) / 2)] / 1000, t[NR] / 1000,
            total / count / 1000, processes / count }'
}

echo "| | start: median | longest | memory (PSS) of each | processes |"
echo "|---|---|---|---|---|"
measure runc
measure dunlin --runtime io.containerd.dunlin.v1
