# What the scripts for other machines share. Sourced from the repository's root, with the name of a target:
#
#     . targets/cross/common.sh armv7
#
# SCRIPT, if it is set, is the name that messages begin with.
#
# It installs what is missing: Rust's targets through rustup, and, when run as root on Debian or Ubuntu, a cross linker, its C
# library, and qemu. Exit codes of these scripts: 0 all passed; 1 something failed; 2 wrong usage; 3 the toolchain can't be had
# here, so nothing was tested.

readonly NAME=$1
case $NAME in
# Rust's target, the tools and library for it, Debian's name, and the emulator.
aarch64) row='aarch64-unknown-linux-gnu aarch64-linux-gnu arm64 qemu-aarch64-static' ;;
x86_64) row='x86_64-unknown-linux-gnu x86_64-linux-gnu amd64 qemu-x86_64-static' ;;
armv7) row='armv7-unknown-linux-gnueabihf arm-linux-gnueabihf armhf qemu-arm-static' ;;
riscv64) row='riscv64gc-unknown-linux-gnu riscv64-linux-gnu riscv64 qemu-riscv64-static' ;;
*)
    echo "cross/common.sh: no target is called '$NAME'" >&2
    exit 2
    ;;
esac
read -r GNU TOOLS ARCHITECTURE QEMU <<<"$row"
readonly GNU TOOLS ARCHITECTURE QEMU
readonly MUSL=${GNU/gnu/musl}
readonly SYSROOT=/usr/$TOOLS
readonly target_dir=${CARGO_TARGET_DIR:-target}

missing() { # SENTENCE
    echo "${SCRIPT:-$NAME.sh}: $1" >&2
    exit 3
}

have() { command -v "$1" >/dev/null; }

add_rust_targets() { # TARGET...
    have rustup || missing "rustup is missing; it is what installs Rust's standard library for $*."
    rustup target add "$@" || missing "rustup could not install: $*."
}

# Has CRATES of Rust's own library built with what uses them, by cargo's words in `options`: for size, and no panic has a message, which
# spares what it would say, and where. As it is installed, the library has all that any program could want. Building it takes switches
# which Rust's developers may still change, and so it is done by a compiler where they were seen to work. Fails elsewhere.
readonly TRIED=1.95.0
build_library() { # PROFILE CRATES
    local library version why=
    version=$(rustc --version | cut -d ' ' -f 2)
    library=$(rustc --print sysroot)/lib/rustlib/src/rust/library
    if [ "$version" != "$TRIED" ]; then
        why="building it was tried with Rust $TRIED, not $version"
    elif [ ! -d "$library" ] && ! { have rustup && rustup component add rust-src >&2; }; then
        why="rustup could not install its sources, rust-src"
    fi
    if [ -n "$why" ]; then
        echo "${SCRIPT:-$NAME.sh}: Rust's library is taken as it is installed, because $why." >&2
        return 1
    fi
    export RUSTC_BOOTSTRAP=1
    options+=("-Zbuild-std=$2" -Zbuild-std-features=optimize_for_size -Zpanic-immediate-abort
        --config "profile.$1.panic='immediate-abort'")
}

add_debian_packages() { # Whether what is built is run, too: true or false
    local wanted=()
    # The compiler alone doesn't link: the C library's start files come in a package of their own.
    [ -e "$SYSROOT/lib/crt1.o" ] || wanted+=("libc6-dev-$ARCHITECTURE-cross")
    have "$TOOLS-gcc" || wanted+=("gcc-$TOOLS")
    ! $1 || have "$QEMU" || wanted+=(qemu-user-static)
    [ ${#wanted[@]} -eq 0 ] || install_debian_packages "${wanted[@]}"
}

install_debian_packages() { # PACKAGE...
    if ! have apt-get || [ "$(id -u)" -ne 0 ]; then
        missing "please install, with these names or your distribution's: $*."
    fi
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"; } </dev/null >&2 ||
        missing "apt-get could not install: $*."
}

# Where Debian's own C library for that machine is installed beside the cross one, -L alone pairs the loader of one with the
# library of the other, and every thread start hangs. The library path makes both come from the same place.
readonly RUNNER="$QEMU -L $SYSROOT -E LD_LIBRARY_PATH=$SYSROOT/lib"
upper=$(tr 'a-z-' 'A-Z_' <<<"$GNU")
# For x86_64, nothing is cross-built.
[ "$NAME" = x86_64 ] || export "CARGO_TARGET_${upper}_LINKER=$TOOLS-gcc" "CARGO_TARGET_${upper}_RUNNER=$RUNNER"

# A static program asks for no loader. That of a position-independent one has a dynamic section all the same, so
# it is the interpreter and the needed libraries that tell.
check_static() { # PROGRAM
    local headers
    headers=$("$TOOLS-readelf" --program-headers --dynamic --wide "$1")
    if grep -qE 'INTERP|\(NEEDED\)' <<<"$headers"; then
        echo "$NAME.sh: $1 is not static:" >&2
        grep -E 'INTERP|NEEDED' <<<"$headers" >&2
        exit 1
    fi
}

greet() { # COMMAND...
    local greeting
    greeting=$("$@" run examples/wasm/hello.wasm)
    if [ "$greeting" != "Hello, world!" ]; then
        echo "$NAME.sh: '$* run examples/wasm/hello.wasm' printed '$greeting'" >&2
        exit 1
    fi
}

# Whether a command does on that machine what the build machine's own does here, byte for byte: see corpus.sh.
agrees() { # COMMAND...; TIER are options that choose how it executes
    [ -x "$target_dir/release/dunlin" ] || cargo build --release --package dunlin-cli
    diff --unified <(OPTIONS='--jit off' targets/cross/corpus.sh "$target_dir/release/dunlin") \
        <(OPTIONS=${TIER:---jit off} targets/cross/corpus.sh "$@") || {
        echo "$NAME.sh: '$*' doesn't do what this machine does; - is here, + there" >&2
        exit 1
    }
}
