#!/usr/bin/env bash
# The C library under tools, and on aarch64 under an emulator. Plain tests are `cargo test --release -p dunlin-capi`.
#
#   targets/capi/test.sh valgrind     the C test-suite and the examples under valgrind: no error, no leak
#   targets/capi/test.sh asan         the C test-suite with AddressSanitizer in the C code, which also finds leaks
#   targets/capi/test.sh aarch64      the C test-suite and the examples for aarch64, under qemu
#   targets/capi/test.sh cmake        a CMake project finds the installed library
#
# With `--archive FILE` after that, install.sh takes this library instead of building one.
#
# Exit codes: 0 all passed; 1 something failed; 2 wrong usage; 3 a tool is missing, so nothing was tested.
set -euo pipefail
what=${1:?"valgrind, asan, aarch64 or cmake"}
archive=()
[ "${2:-}" != --archive ] || archive=(--archive "$(realpath "${3:?}")")
cd "$(dirname "$0")"
need() {
    command -v "$1" >/dev/null || { echo "test.sh: $1 is missing." >&2 && exit 3; }
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LD_LIBRARY_PATH=$work/lib

modules() { # EMULATOR...
    mkdir "$work/modules"
    # The library makes binary modules of texts itself: see the program.
    compile tests/c/tools/assemble.c
    for text in tests/c/*.wat; do
        "$@" "$work/assemble" "$text" "$work/modules/$(basename "$text" .wat).wasm"
    done
}

compile() { # SOURCE OPTIONS...
    local source=$1
    shift
    "${CC:-cc}" -std=gnu11 -g -Wall -Wextra "$@" "$source" -I "$work/include" -L "$work/lib" -ldunlin -lpthread \
        -o "$work/$(basename "$source" .c)"
}

all() { # COMMAND...
    for test in standard extended misuse; do
        # The last argument leaves out the tier, which the build for aarch64 is without.
        "$@" "$work/$test" "$work/modules" $([ $test,$what = extended,aarch64 ] && echo interpreted)
    done
    for example in hello from_wasm3 from_wamr budget wasi; do
        "$@" "$work/$example" $([ $example = wasi ] && echo ../../examples/wasm/hello.wasm) >/dev/null
    done
    echo "test.sh: $what passed: 3 tests, 5 examples"
}

case $what in
valgrind)
    need valgrind
    ./install.sh "${archive[@]}" "$work"
    modules
    for source in tests/c/*.c examples/*.c; do compile "$source"; done
    all valgrind -q --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect,possible \
        --errors-for-leak-kinds=definite,indirect,possible
    ;;
asan)
    ./install.sh "${archive[@]}" "$work"
    modules
    for source in tests/c/*.c examples/*.c; do compile "$source" -fsanitize=address,undefined; done
    ASAN_OPTIONS=allocator_may_return_null=1:handle_segv=0:detect_leaks=1 all env
    ;;
aarch64)
    need aarch64-linux-gnu-gcc
    need qemu-aarch64-static
    export CC=aarch64-linux-gnu-gcc CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
    ./install.sh --target aarch64-unknown-linux-gnu "$work" --no-default-features --features wasi,wat
    # The library path names both places: see targets/aarch64.sh.
    emulator=(qemu-aarch64-static -L /usr/aarch64-linux-gnu -E "LD_LIBRARY_PATH=$work/lib:/usr/aarch64-linux-gnu/lib")
    modules "${emulator[@]}"
    for source in tests/c/*.c examples/*.c; do compile "$source"; done
    all "${emulator[@]}"
    ;;
cmake)
    need cmake
    ./install.sh "${archive[@]}" "$work"
    mkdir "$work/project"
    cp examples/hello.c "$work/project"
    printf '%s\n' 'cmake_minimum_required(VERSION 3.10)' 'project(hello C)' 'find_package(dunlin REQUIRED CONFIG)' \
        'add_executable(shared hello.c)' 'target_link_libraries(shared dunlin::dunlin)' \
        'add_executable(static hello.c)' 'target_link_libraries(static dunlin::static)' >"$work/project/CMakeLists.txt"
    cmake -S "$work/project" -B "$work/build" -DCMAKE_PREFIX_PATH="$work" >/dev/null
    cmake --build "$work/build" >/dev/null
    "$work/build/shared" && "$work/build/static"
    ;;
*)
    echo "test.sh: there is no $what" >&2
    exit 2
    ;;
esac
