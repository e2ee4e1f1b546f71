#!/usr/bin/env bash
# Makes what users install: static archives with checksums, Debian packages, and folders to build a container from.
#
#     targets/packages/make.sh [--profile full|small|mini] [TARGET...]
#
# Targets are build.sh's for musl: x86_64-musl and aarch64-musl, if none is given. Everything is written to target/packages.
# The same commit gives the same bytes, as far as Rust's compiler does. Exit codes are build.sh's.
set -euo pipefail
cd "$(dirname "$0")/../.."

profile=full
if [ "${1-}" = --profile ]; then
    profile=${2:?"which profile? full, small or mini"}
    shift 2
fi
[ $# -gt 0 ] || set -- x86_64-musl aarch64-musl
for target in "$@"; do
    case $target in
    x86_64-musl | aarch64-musl) ;;
    *)
        echo "make.sh: there are packages for x86_64-musl and aarch64-musl, not for $target." >&2
        exit 2
        ;;
    esac
done
for tool in dpkg-deb sha256sum; do
    command -v "$tool" >/dev/null || { echo "make.sh: $tool is missing." >&2 && exit 3; }
done

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
[ "$profile" = full ] || suffix=-$profile
name=dunlin${suffix-}
out=$PWD/target/packages
# Files get the time of the commit.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH
mkdir -p "$out"

# What pages and completions are made by: it runs here, whatever the target.
here=$(targets/build.sh x86_64-musl | tail -1)

deb() { # ARCHITECTURE PROGRAM
    local root
    root=$(mktemp -d)
    install -D -m 755 "$2" "$root/usr/bin/dunlin"
    install -D -m 644 -t "$root/usr/share/doc/$name" LICENSE-APACHE LICENSE-MIT README.md CHANGELOG.md
    mkdir -p "$root/usr/share/man/man1" "$root/usr/share/bash-completion/completions" "$root/usr/share/zsh/vendor-completions" \
        "$root/usr/share/fish/vendor_completions.d"
    "$here" man | gzip -9n >"$root/usr/share/man/man1/dunlin.1.gz"
    "$here" completions bash >"$root/usr/share/bash-completion/completions/dunlin"
    "$here" completions zsh >"$root/usr/share/zsh/vendor-completions/_dunlin"
    "$here" completions fish >"$root/usr/share/fish/vendor_completions.d/dunlin.fish"
    # Only the full one has `dunlin serve`.
    [ "$profile" != full ] || install -D -m 644 targets/packages/dunlin.service "$root/lib/systemd/system/dunlin.service"
    mkdir "$root/DEBIAN"
    cat >"$root/DEBIAN/control" <<CONTROL
Package: $name
Version: $version
Architecture: $1
Maintainer: The Dunlin developers
Section: interpreters
Priority: optional
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
$([ "$profile" = full ] || printf 'Provides: dunlin\nConflicts: dunlin\nReplaces: dunlin\n')
Description: WebAssembly engine for small machines
 Runs WebAssembly programs with WASI, within one memory budget: an interpreter,
 and in the full package a compiler and hosts for HTTP, policies and filters.
 .
 The command is one static file.
CONTROL
    # A paragraph has no empty lines.
    sed -i '/^$/d' "$root/DEBIAN/control"
    find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
    dpkg-deb --root-owner-group --build "$root" "$out/${name}_${version}_$1.deb" >&2
    rm -r "$root"
}

for target in "$@"; do
    program=$(targets/build.sh "$target" --profile "$profile" | tail -1)
    folder=$out/$target
    rm -rf "$folder"
    mkdir "$folder"
    install -m 755 "$program" "$folder/dunlin"
    install -m 644 LICENSE-APACHE LICENSE-MIT README.md targets/packages/Containerfile "$folder"
    tar --create --gzip --file "$out/$name-$version-$target.tar.gz" --directory "$out" --owner=0 --group=0 --numeric-owner \
        --sort=name --mtime="@$SOURCE_DATE_EPOCH" --transform "s|^$target|$name-$version-$target|" "$target"
    case $target in
    x86_64-musl) deb amd64 "$program" ;;
    aarch64-musl) deb arm64 "$program" ;;
    esac
done
(cd "$out" && sha256sum -- *.tar.gz *.deb >SHA256SUMS)
ls -l "$out"
