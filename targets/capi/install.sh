#!/usr/bin/env bash
# Builds the C library and installs it: headers, libdunlin.so with versioned symbols, libdunlin.a, and files for pkg-config and CMake.
#
#     targets/capi/install.sh [--archive FILE] [--target TRIPLE] PREFIX [CARGO-OPTIONS...]
#
# With an archive that cargo has built before, nothing is built. Cargo's options choose what is in the library, for example
# `--no-default-features --features wasi`. $CC is the C compiler, for another machine its cross compiler.
set -euo pipefail
archive='' target=''
while [[ ${1:-} == --* ]]; do
    case $1 in
    --archive) archive=$(realpath "${2:?}") ;;
    --target) target=${2:?} ;;
    *)
        echo "install.sh: there is no option $1" >&2
        exit 2
        ;;
    esac
    shift 2
done
prefix=${1:?"usage: install.sh [--archive FILE] [--target TRIPLE] PREFIX [CARGO-OPTIONS...]"}
shift
mkdir -p "$prefix"
prefix=$(realpath "$prefix")
cd "$(dirname "$0")"
cc=${CC:-cc}
version=$(sed -n 's/^version = "\(.*\)"/\1/p' ../../Cargo.toml | head -1)
# The part of the version that changes when programs have to be linked again.
soname=libdunlin.so.${version%.*}
system_libs="-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc"

if [ -z "$archive" ]; then
    cargo build --release --package dunlin-capi ${target:+--target "$target"} "$@"
    archive=${CARGO_TARGET_DIR:-../../target}/${target:+$target/}release/libdunlin_capi.a
fi

install -d "$prefix/include" "$prefix/lib/pkgconfig" "$prefix/lib/cmake/dunlin"
install -m 644 include/*.h include/*.hh "$prefix/include"
install -m 644 "$archive" "$prefix/lib/libdunlin.a"
# rustc doesn't let a library of its own have versions of symbols. What isn't exported, or reached from what is, is left out.
# The library stays loaded once it is: threads may execute its code.
# shellcheck disable=SC2086
"$cc" -shared -o "$prefix/lib/libdunlin.so.$version" \
    -Wl,-soname,"$soname" -Wl,--version-script=dunlin.map -Wl,-z,nodelete -Wl,-z,relro,-z,now -Wl,-z,noexecstack \
    -Wl,--gc-sections -Wl,--no-undefined -Wl,-s \
    -Wl,--whole-archive "$archive" -Wl,--no-whole-archive $system_libs
ln -sf "libdunlin.so.$version" "$prefix/lib/$soname"
ln -sf "$soname" "$prefix/lib/libdunlin.so"

fill() { # TEMPLATE FILE
    sed -e "s|@PREFIX@|$prefix|g; s|@VERSION@|$version|g; s|@SYSTEM_LIBS@|$system_libs|g" "$1" >"$2"
}
fill dunlin.pc.in "$prefix/lib/pkgconfig/dunlin.pc"
fill dunlin-config.cmake.in "$prefix/lib/cmake/dunlin/dunlin-config.cmake"
