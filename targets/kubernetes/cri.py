#!/usr/bin/env python3
"""Does what a kubelet does, by containerd's CRI plugin: a pod on the shim, with a native pause container and programs.

As root, with containerd 1.7 (CONTAINERD_BIN=FOLDER, or the system's), a C compiler with a static C library, the built shim, PyPI's
grpcio-tools, and CRI's `api.proto` in CRI_PROTO (Debian's golang-github-kubernetes-cri-api-dev has it). The pod has the node's network.
"""

import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
SHIM = HERE.parent / "containerd-shim/target/release"
HELLO = HERE.parent.parent / "examples/wasm/hello.wasm"
PATIENCE = 60
MIB = 1 << 20
# A program that does nothing and has 40 MiB of memory.
LARGE = bytes.fromhex(
    "0061736d01000000" "010401600000" "03020100" "05040100" "8005" "070a01065f73746172740000" "0a040102000b"
)


def stubs(folder):
    """CRI's messages and client, made of its definition without the annotations for Go."""
    text = pathlib.Path(os.environ["CRI_PROTO"]).read_text()
    text = re.sub(r".*gogo\.proto.*|^option \(gogoproto.*", "", text, flags=re.M)
    text = re.sub(r"\s*\[\(gogoproto[^\]]*\]|,\s*\(gogoproto\.\w+\) = [\w\"]+", "", text)
    (folder / "api.proto").write_text(text)
    from grpc_tools import protoc

    assert protoc.main(["", f"-I{folder}", f"--python_out={folder}", f"--grpc_python_out={folder}", "api.proto"]) == 0
    sys.path.insert(0, str(folder))
    import api_pb2
    import api_pb2_grpc

    return api_pb2, api_pb2_grpc


def image(name, system, architecture, program):
    """An archive with an image whose only file is `/app`."""
    blobs = {}

    def blob(kind, content):
        digest = hashlib.sha256(content).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = content
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(content)}

    def archive(files):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            for path, content in files.items():
                info = tarfile.TarInfo(path)
                info.size, info.mode = len(content), 0o755
                tar.addfile(info, io.BytesIO(content))
        return out.getvalue()

    layer = blob("layer.v1.tar", archive({"app": program}))
    config = {
        "os": system,
        "architecture": architecture,
        "config": {"Entrypoint": ["/app"]},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    }
    config = blob("config.v1+json", json.dumps(config).encode())
    manifest = {"schemaVersion": 2, "config": config, "layers": [layer]}
    entry = blob("manifest.v1+json", json.dumps(manifest).encode())
    entry["annotations"] = {"io.containerd.image.name": name}
    index = {"schemaVersion": 2, "manifests": [entry]}
    files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": json.dumps(index).encode(), **blobs}
    return archive(files)


def until(what, is_so):
    end = time.monotonic() + PATIENCE
    while True:
        found = is_so()
        if found:
            return found
        assert time.monotonic() < end, f"{what}: not within {PATIENCE} s"
        time.sleep(0.05)


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="dunlin-cri-"))
    cri, client = stubs(folder)
    import grpc

    programs = os.environ.get("CONTAINERD_BIN", "/usr/bin")
    (folder / "config.toml").write_text(
        f"""version = 2
root = "{folder}/root"
state = "{folder}/state"
[grpc]
address = "{folder}/sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "test.local/pause:1"
stream_server_port = "0"
# Not every machine lets its root set what a kubelet would.
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.dunlin]
runtime_type = "io.containerd.dunlin.v1"
"""
    )
    environment = {**os.environ, "PATH": f"{SHIM}:{programs}:{os.environ['PATH']}"}
    log = open(folder / "log", "w")
    daemon = subprocess.Popen(
        [f"{programs}/containerd", "--config", folder / "config.toml"], env=environment, stdout=log, stderr=log
    )
    try:
        ctr = [f"{programs}/ctr", "--address", folder / "sock", "--namespace", "k8s.io"]
        until("containerd", lambda: subprocess.run([*ctr, "version"], capture_output=True).returncode == 0)
        pause = "#include <unistd.h>\nint main() { for (;;) pause(); }\n"
        subprocess.run(["cc", "-static", "-x", "c", "-o", folder / "pause", "-"], input=pause.encode(), check=True)
        native = (folder / "pause").read_bytes()
        for archive in [
            image("test.local/pause:1", "linux", "amd64", native),
            image("test.local/hello:1", "wasip1", "wasm", HELLO.read_bytes()),
            image("test.local/large:1", "wasip1", "wasm", LARGE),
        ]:
            (folder / "image.tar").write_bytes(archive)
            subprocess.run([*ctr, "image", "import", "--all-platforms", folder / "image.tar"], check=True)
        channel = grpc.insecure_channel(f"unix:{folder}/sock")
        check(cri, client.RuntimeServiceStub(channel), folder)
    except BaseException:
        print((folder / "log").read_text()[-6000:], file=sys.stderr)
        raise
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(PATIENCE)
    shutil.rmtree(folder)


def check(cri, runtime, folder):
    node = cri.NamespaceOption(network=cri.NamespaceMode.NODE)
    sandbox = cri.PodSandboxConfig(
        metadata=cri.PodSandboxMetadata(name="pod", uid="uid", namespace="default"),
        log_directory=str(folder / "logs"),
        linux=cri.LinuxPodSandboxConfig(
            cgroup_parent=f"/dunlin-cri-{os.getpid()}",
            security_context=cri.LinuxSandboxSecurityContext(namespace_options=node),
        ),
    )
    request = cri.RunPodSandboxRequest(config=sandbox, runtime_handler="dunlin")
    pod = runtime.RunPodSandbox(request, timeout=PATIENCE).pod_sandbox_id
    print("a pod on the shim, with a native pause container: ok")

    def run(name):
        config = cri.ContainerConfig(
            metadata=cri.ContainerMetadata(name=name),
            image=cri.ImageSpec(image=f"test.local/{name}:1"),
            args=["Ada"],
            log_path=f"{name}.log",
            linux=cri.LinuxContainerConfig(
                resources=cri.LinuxContainerResources(memory_limit_in_bytes=32 * MIB),
                security_context=cri.LinuxContainerSecurityContext(
                    namespace_options=node,
                    run_as_user=cri.Int64Value(value=1000),
                    no_new_privs=True,
                    seccomp=cri.SecurityProfile(profile_type=cri.SecurityProfile.RuntimeDefault),
                ),
            ),
        )
        request = cri.CreateContainerRequest(pod_sandbox_id=pod, config=config, sandbox_config=sandbox)
        container = runtime.CreateContainer(request, timeout=PATIENCE).container_id
        runtime.StartContainer(cri.StartContainerRequest(container_id=container), timeout=PATIENCE)
        request = cri.ContainerStatusRequest(container_id=container)

        def ended():
            status = runtime.ContainerStatus(request, timeout=PATIENCE).status
            return status if status.state == cri.CONTAINER_EXITED else None

        status = until(name, ended)
        lines = (folder / "logs" / f"{name}.log").read_text()
        return status.exit_code, lines

    code, lines = run("hello")
    assert code == 0 and " stdout F " in lines, (code, lines)
    print("a program, as another user and with the default seccomp profile: ok")
    code, lines = run("large")
    assert code == 126 and "a memory budget of 29360128 bytes is too small" in lines, (code, lines)
    print("a program that doesn't fit its limit, in the pod's log: ok")
    runtime.StopPodSandbox(cri.StopPodSandboxRequest(pod_sandbox_id=pod), timeout=PATIENCE)
    runtime.RemovePodSandbox(cri.RemovePodSandboxRequest(pod_sandbox_id=pod), timeout=PATIENCE)
    left = [line for line in open("/proc/mounts") if f"{folder}/state" in line]
    assert not left, left
    print("the pod is gone, and nothing is left mounted: ok")


if __name__ == "__main__":
    main()
