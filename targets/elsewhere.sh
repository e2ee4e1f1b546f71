#!/usr/bin/env bash
# Checks that what developers build on other systems compiles without a warning: the command with all that is in it by default, for
# macOS and for Windows, and for Windows the engine and WASI alone. Nothing is linked or run, unless asked for:
#
#     targets/elsewhere.sh
#     targets/elsewhere.sh --run      # and run the command for Windows under Wine, with a corpus; needs x86_64 Linux
#
# What it installs, and its exit codes: see targets/cross/common.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly WINDOWS=x86_64-pc-windows-gnu

SCRIPT=elsewhere.sh
. targets/cross/common.sh x86_64
add_rust_targets aarch64-apple-darwin "$WINDOWS"
(
    export RUSTFLAGS="-D warnings"
    cargo check --package dunlin --package dunlin-wasi-lite --package dunlin-jit --package dunlin-cli --target aarch64-apple-darwin
    cargo check --package dunlin --features wat,coredump,snapshot --target "$WINDOWS"
    cargo check --package dunlin-wasi-lite --features record,trace --target "$WINDOWS"
    cargo check --package dunlin-jit --package dunlin-cli --target "$WINDOWS"
    cargo check --package dunlin-cli --no-default-features --target "$WINDOWS"
)
[ "${1:-}" = --run ] || exit 0

readonly wine=/usr/lib/wine/wine64
[ -x "$wine" ] && have x86_64-w64-mingw32-gcc || apt-get install -y --no-install-recommends wine64 gcc-mingw-w64-x86-64 ||
    missing "Debian's packages wine64 and gcc-mingw-w64-x86-64 could not be installed."
cargo build --release --package dunlin-cli --target "$WINDOWS"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export WINEPREFIX=$work/prefix WINEDEBUG=-all
cp "$target_dir/$WINDOWS/release/dunlin.exe" "$work"
# Older versions of Wine lack the library that Rust's takes random numbers from.
cat >"$work/random.c" <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T count) { return SystemFunction036(bytes, (ULONG)count); }
C
x86_64-w64-mingw32-gcc -shared -o "$work/bcryptprimitives.dll" "$work/random.c" -ladvapi32

windows=("$wine" "$work/dunlin.exe")
greet "${windows[@]}"
agrees "${windows[@]}"
# It compiles the same code for a gateway, and what one system begins the other one ends.
native=$target_dir/release/dunlin queens=examples/wasm/nqueens.wasm
"${windows[@]}" compile --target aarch64-linux "$queens" -o "$work/there.dun"
"$native" compile --target aarch64-linux "$queens" -o "$work/here.dun"
cmp "$work/here.dun" "$work/there.dun"
moves() { # FROM TO
    local from=$1 to=$2
    # Unquoted, because there may be a program in front.
    ! $from run --fuel 100000 --snapshot-on fuel --snapshot "$work/moved.snap" "$queens" 8 2>"$work/stopped" || exit 1
    cmp <($to resume --fuel 10000000 "$work/moved.snap" "$queens") <("$native" run "$queens" 8)
}
moves "${windows[*]}" "$native"
moves "$native" "${windows[*]}"
"${windows[@]}" run --record "$work/run.rec" "$queens" 8
"$native" replay "$work/run.rec" "$queens"
# A guest has the folder that it is given, and nothing beside it: no other folder, device, or stream of a file.
mkdir "$work/given"
echo "one two" >"$work/given/in.txt"
echo secret >"$work/secret.txt"
count() { "${windows[@]}" run --dir "$work/given::given" examples/wasm/wc.wasm "$@"; }
count given/in.txt
for name in given/../secret.txt 'given/..\secret.txt' 'given/C:\windows\win.ini' given/in.txt:other given/in.txt::\$DATA given/CON \
    given/NUL given/com1.txt 'given/\\?\C:\windows' 'given/in.txt.' 'given/in.txt '; do
    ! count "$name" 2>>"$work/refused" || {
        echo "elsewhere.sh: a guest opened '$name'" >&2
        exit 1
    }
done
