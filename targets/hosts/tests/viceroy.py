#!/usr/bin/env python3
"""Sends the same requests to an application of Fastly Compute in Viceroy and in `dunlin serve`, and says what is different.

    viceroy.py VICEROY DUNLIN APP.wasm FASTLY.toml [PATH...]

Of each answer the status, headers in order, and the body are compared, and what the backend (this script, at the port that
the configuration's URL of `origin` names) was sent. Viceroy is the crate of that name. Then figures: the first answer after
the start, requests a second with 8 connections by wrk, processor time and memory.
"""
import http.client, os, re, socket, subprocess, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORTS = {"viceroy": 19370, "dunlin": 19371}
# Belongs to the connection, or to the moment.
HIDDEN = ("date", "connection", "transfer-encoding", "content-length", "keep-alive")
REQUESTS = [("GET", "/", b""), ("HEAD", "/", b""), ("POST", "/echo", b"some body"), ("POST", "/echo", b"x" * 100_000),
            ("GET", "/origin", b""), ("GET", "/both", b""), ("GET", "/visits", b""), ("GET", "/visits", b""), ("GET", "/secret", b""),
            ("GET", "/stream", b""), ("GET", "/upload", b""), ("GET", "/panic", b""), ("GET", "/nowhere?a=b%20c", b""),
            ("POST", "/json", b'{"a": 1, "b": 2}'), ("POST", "/json", b"no json"), ("GET", "/digest", b""), ("GET", "/timer", b""),
            ("POST", "/upper", b"to be in capitals"), ("GET", "/throw", b"")]
sent = []


class Backend(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = b""
        if self.headers.get("transfer-encoding") == "chunked":
            while (size := int(self.rfile.readline(), 16)):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
        fields = [(name.lower(), value) for name, value in self.headers.items() if name.lower() not in HIDDEN]
        sent.append((self.command, self.path, fields, len(body)))
        answer = f"{self.command} {self.path} with {len(body)} bytes\n".encode()
        self.send_response_only(200)
        self.send_header("x-kind", "origin")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET

    def log_message(self, *_):
        pass


def ask(port, method, path, body):
    sent.clear()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, body or None, {"x-mine": "1"})
    response = connection.getresponse()
    text = response.read()
    fields = [(name.lower(), value) for name, value in response.getheaders() if name.lower() not in HIDDEN]
    # What is asked at the same time arrives in any order.
    return {"status": response.status, "headers": fields, "body": text, "backend": sorted(map(str, sent))}


def start(name, program, app, toml):
    port = PORTS[name]
    address = f"127.0.0.1:{port}"
    command = {"viceroy": [program, "serve", "--addr", address, "-C", toml, app],
               "dunlin": [program, "serve", "--addr", address, "--access-log", "off", "--config", toml, app]}[name]
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            ask(port, "GET", "/", b"")
            return process, time.perf_counter() - began
        except OSError:
            time.sleep(0.002)
    sys.exit(f"{name} ended with {process.returncode}")


def usage(pid):
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    with open(f"/proc/{pid}/status") as file:
        status = file.read()
    memory = {key: int(re.search(rf"{key}:\s+(\d+)", status)[1]) / 1024 for key in ("VmRSS", "VmHWM")}
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), memory


def main():
    viceroy, dunlin, app, toml, *paths = sys.argv[1:]
    with open(toml) as file:
        port = int(re.search(r"127\.0\.0\.1:(\d+)", file.read())[1])
    ThreadingHTTPServer.request_queue_size = 64
    backend = ThreadingHTTPServer(("127.0.0.1", port), Backend)
    threading.Thread(target=backend.serve_forever, daemon=True).start()
    servers = {name: start(name, program, app, toml) for name, program in (("viceroy", viceroy), ("dunlin", dunlin))}
    different = 0
    for request in REQUESTS:
        there, here = [ask(PORTS[name], *request) for name in servers]
        parts = [part for part in there if there[part] != here[part]]
        different += bool(parts)
        for part in parts:
            print(f"{request[0]} {request[1]}: {part}\n  viceroy {str(there[part])[:600]}\n  dunlin  {str(here[part])[:600]}")
    print(f"{len(REQUESTS)} requests, {different} of them different")
    for name, (process, first) in servers.items():
        print(f"{name}: first answer after {first * 1e3:.0f} ms")
        for path in paths or ["/"]:
            began = time.perf_counter()
            before, _ = usage(process.pid)
            for _ in range(20):
                ask(PORTS[name], "GET", path, b"")
            took = (time.perf_counter() - began) / 20
            text = subprocess.run(["wrk", "-t1", "-c8", "-d5s", f"http://127.0.0.1:{PORTS[name]}{path}"], capture_output=True, text=True).stdout
            count = 20 + int(re.search(r"(\d+) requests in", text)[1])
            after, memory = usage(process.pid)
            rate = re.search(r"Requests/sec:\s+(\S+)", text)[1]
            print(f"  {path}: {rate} a second, one alone takes {took * 1e3:.2f} ms; {(after - before) / count * 1e3:.2f} ms of the processor a "
                  f"request; {memory['VmRSS']:.0f} MB, at most {memory['VmHWM']:.0f}")
    for process, _ in servers.values():
        process.terminate()


main()
