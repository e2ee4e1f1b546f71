#!/usr/bin/env python3
"""Measures `dunlin serve --filter` beside Envoy with V8, on loopback: proxy-figures.py ENVOY DUNLIN ORIGIN [SECONDS]

ORIGIN is the example `origin` of dunlin-hosts. Both proxies have one worker on one processor, wrk and the upstream are on
the other. Of each: requests a second and the 99th percentile with 16 connections, processor time a request by what the
process has used, memory by RSS, the start by the first answer. What a filter costs is the difference to none: for Envoy
without the filter, for Dunlin with a filter that exports no callback.
"""
import json, os, re, signal, socket, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "hosts/tests/filters"))
from record import BOOTSTRAP

FILTER = os.path.join(HERE, "../examples/hosts/filter.wasm")
ENVOY_PORT, ADMIN_PORT, ORIGIN_PORT, DUNLIN_PORT = 19270, 19271, 19272, 19273
POST = 'wrk.method = "POST"\nwrk.body = string.rep("x", 1000)\n'


def cpu(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss(pid):
    with open(f"/proc/{pid}/status") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1]) / 1024


class Proxy:
    def __init__(self, command, port, folder):
        self.port, self.began = port, time.perf_counter()
        with open(os.path.join(folder, f"log-{port}"), "w") as log:
            self.process = subprocess.Popen(["taskset", "-c", "0", *command], stdout=log, stderr=log)
        request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
        while self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", port)) as connection:
                    connection.sendall(request)
                    if connection.recv(12) == b"HTTP/1.1 200":
                        break
            except OSError:
                pass
            time.sleep(0.001)
        self.start = time.perf_counter() - self.began

    def load(self, seconds, script):
        command = ["taskset", "-c", "1", "wrk", "-t1", "-c16", f"-d{seconds}s", "--latency", f"http://127.0.0.1:{self.port}/"]
        if script:
            command[-1:] = ["-s", script, command[-1]]
        before, began = cpu(self.process.pid), time.perf_counter()
        text = subprocess.run(command, capture_output=True, text=True).stdout
        used, took = cpu(self.process.pid) - before, time.perf_counter() - began
        count = int(re.search(r"(\d+) requests in", text)[1])
        errors = re.findall(r"Non-2xx.*|Socket errors.*", text)
        p99 = re.search(r"^\s+99%\s+(\S+)", text, re.MULTILINE)[1]
        return {"rate": count / took, "p99": p99, "us": used / max(count, 1) * 1e6, "share": used / took, "errors": errors}

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()


def envoy(program, filters, folder):
    """Filters are pairs of a file and a configuration; each has a VM of its own."""
    bootstrap = BOOTSTRAP % {"admin": ADMIN_PORT, "listener": ENVOY_PORT, "upstream": ORIGIN_PORT,
                             "module": "@MODULE@", "configuration": "@CONFIGURATION@"}
    begin = bootstrap.index("          - name: envoy.filters.http.wasm\n")
    end = bootstrap.index("          - name: envoy.filters.http.router\n")
    one = bootstrap[begin:end]
    each = [one.replace("@MODULE@", os.path.abspath(module)).replace("@CONFIGURATION@", json.dumps(configuration))
            .replace("vm_config: {", "vm_config: {vm_id: \"%d\", " % number).replace("name: f\n", f"name: f{number}\n")
            for number, (module, configuration) in enumerate(filters)]
    path = os.path.join(folder, "envoy.yaml")
    with open(path, "w") as file:
        file.write(bootstrap[:begin] + "".join(each) + bootstrap[end:])
    command = [program, "-c", path, "--concurrency", "1", "--log-level", "error", "--component-log-level", "wasm:info", "--disable-hot-restart"]
    return Proxy(command, ENVOY_PORT, folder)


def dunlin(program, filters, folder):
    command = [program, "serve", "--addr", f"127.0.0.1:{DUNLIN_PORT}", "--access-log", "off",
               "--upstream", f"http://127.0.0.1:{ORIGIN_PORT}"]
    for module, configuration in filters:
        command += ["--filter", module + (f"={configuration}" if configuration else "")]
    return Proxy(command, DUNLIN_PORT, folder)


def main():
    programs = dict(zip(("envoy", "dunlin"), sys.argv[1:3]))
    seconds = int(sys.argv[4]) if len(sys.argv) > 4 else 10
    origin = subprocess.Popen(["taskset", "-c", "1", sys.argv[3], f"127.0.0.1:{ORIGIN_PORT}"])
    make = {"envoy": envoy, "dunlin": dunlin}
    with tempfile.TemporaryDirectory() as folder:
        script, nothing = os.path.join(folder, "post.lua"), os.path.join(folder, "nothing.wat")
        with open(script, "w") as file:
            file.write(POST)
        with open(nothing, "w") as file:
            file.write('(module (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1")))')
        none = {"envoy": [], "dunlin": [(nothing, "")]}
        try:
            for name, program in programs.items():
                base = {}
                for kind, filters, post in [("none", none[name], None), ("none, POST", none[name], script),
                                            ("headers", [(FILTER, "headers")], None), ("body", [(FILTER, "body")], script)]:
                    proxy = make[name](program, filters, folder)
                    proxy.load(2, post)
                    found = proxy.load(seconds, post)
                    base.setdefault(bool(post), found["us"])
                    print(f"{name}, {kind}: {found['rate']:.0f}/s, p99 {found['p99']}, {found['us']:.1f} us a request, of which "
                          f"the filter {found['us'] - base[bool(post)]:.1f}; share {found['share']:.2f}; {rss(proxy.process.pid):.1f} MB"
                          f" {found['errors'] or ''}", flush=True)
                    proxy.stop()
                for module, configuration in [(FILTER, "headers")] + [(module, "") for module in sys.argv[5:]]:
                    # A VM costs what ten more cost. The first also has what all share.
                    few, many = [make[name](program, [(module, configuration)] * count, folder) for count in (1,)], None
                    starts = [few[0].start]
                    memory = rss(few[0].process.pid)
                    few[0].stop()
                    many = make[name](program, [(module, configuration)] * 11, folder)
                    more = rss(many.process.pid)
                    many.stop()
                    bare = make[name](program, none[name], folder)
                    empty, began = rss(bare.process.pid), bare.start
                    bare.stop()
                    print(f"{name}, {os.path.basename(module)}: {empty:.1f} MB without, {memory:.1f} with one VM, {more:.1f} with 11: "
                          f"{(more - memory) / 10:.2f} MB a VM; first answer after {starts[0] * 1e3:.1f} ms with it, "
                          f"{began * 1e3:.1f} without", flush=True)
        finally:
            origin.terminate()


main()
