#!/bin/sh
# Installs the shim on the node whose root is /host, tells its containerd of it, labels the node, and waits. Run by installer.yaml.
set -eu

shim=containerd-shim-dunlin-v1
config=/host/etc/containerd/config.toml
runtimes='plugins."io.containerd.grpc.v1.cri".containerd.runtimes'

# containerd 2 calls the same plugin otherwise; its configuration says which form it has.
if grep -Eq '^ *version *= *3' "$config" 2>/dev/null; then
    runtimes="plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes"
fi

# Beside and then over it: containers that run have the old one.
cp "/$shim" "/host/usr/local/bin/$shim.new"
chmod 755 "/host/usr/local/bin/$shim.new"
mv "/host/usr/local/bin/$shim.new" "/host/usr/local/bin/$shim"

if ! grep -Fq "$runtimes.dunlin]" "$config" 2>/dev/null; then
    mkdir -p "$(dirname "$config")"
    [ -s "$config" ] || echo 'version = 2' >"$config"
    add() { # NAME TYPE
        printf '\n[%s.%s]\n  runtime_type = "%s"\n' "$runtimes" "$1" "$2" >>"$config"
    }
    # The default, which is only there by itself while no runtime is named.
    grep -Fq "$runtimes.runc]" "$config" || add runc io.containerd.runc.v2
    add dunlin io.containerd.dunlin.v1
    nsenter --target 1 --mount --uts --ipc --net -- systemctl restart containerd
fi

kubectl label --overwrite node "$NODE" dunlin-shim=installed
exec sleep infinity
