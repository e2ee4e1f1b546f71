//! An application for Fastly Compute that speaks the ABI itself and does what its path says. The tests of
//! `dunlin_hosts::fastly` call it; real applications use Fastly's library (see `fastly/`).

use std::io::Write;

type Status = u32;

const BUFLEN: Status = 4;
const NO_HANDLE: u32 = u32::MAX - 1;

mod req {
    #[link(wasm_import_module = "fastly_http_req")]
    unsafe extern "C" {
        pub fn body_downstream_get(request: &mut u32, body: &mut u32) -> u32;
        pub fn new(out: &mut u32) -> u32;
        pub fn method_get(request: u32, at: *mut u8, len: usize, out: &mut usize) -> u32;
        pub fn method_set(request: u32, at: *const u8, len: usize) -> u32;
        pub fn uri_get(request: u32, at: *mut u8, len: usize, out: &mut usize) -> u32;
        pub fn uri_set(request: u32, at: *const u8, len: usize) -> u32;
        pub fn header_names_get(request: u32, at: *mut u8, len: usize, cursor: u32, end: *mut i64, out: *mut usize) -> u32;
        pub fn header_append(request: u32, n: *const u8, nn: usize, v: *const u8, vn: usize) -> u32;
        pub fn send_v2(request: u32, body: u32, b: *const u8, bn: usize, detail: *mut u32, resp: &mut u32, out: &mut u32) -> u32;
        pub fn register_dynamic_backend(n: *const u8, nn: usize, t: *const u8, tn: usize, mask: u32, config: *const u32) -> u32;
        pub fn send_async_v2(request: u32, body: u32, b: *const u8, bn: usize, streams: u32, out: &mut u32) -> u32;
        pub fn pending_req_wait_v2(pending: u32, detail: *mut u32, resp: &mut u32, out: &mut u32) -> u32;
        pub fn pending_req_poll_v2(pending: u32, detail: *mut u32, done: &mut u32, resp: &mut u32, out: &mut u32) -> u32;
        pub fn downstream_client_ip_addr(at: *mut u8, out: &mut usize) -> u32;
        pub fn downstream_tls_protocol(at: *mut u8, len: usize, out: &mut usize) -> u32;
        pub fn nobody_has_this(value: u32) -> u32;
    }
}

mod resp {
    #[link(wasm_import_module = "fastly_http_resp")]
    unsafe extern "C" {
        pub fn new(out: &mut u32) -> u32;
        pub fn status_get(response: u32, out: &mut u16) -> u32;
        pub fn status_set(response: u32, status: u32) -> u32;
        pub fn header_append(response: u32, n: *const u8, nn: usize, v: *const u8, vn: usize) -> u32;
        pub fn header_value_get(response: u32, n: *const u8, nn: usize, at: *mut u8, len: usize, out: &mut usize) -> u32;
        pub fn send_downstream(response: u32, body: u32, streams: u32) -> u32;
    }
}

mod body {
    #[link(wasm_import_module = "fastly_http_body")]
    unsafe extern "C" {
        pub fn new(out: &mut u32) -> u32;
        pub fn append(to: u32, from: u32) -> u32;
        pub fn read(body: u32, at: *mut u8, len: usize, out: &mut usize) -> u32;
        pub fn write(body: u32, at: *const u8, len: usize, end: u32, out: &mut usize) -> u32;
        pub fn close(body: u32) -> u32;
        pub fn abandon(body: u32) -> u32;
        pub fn known_length(body: u32, out: &mut u64) -> u32;
    }
}

mod io {
    #[link(wasm_import_module = "fastly_async_io")]
    unsafe extern "C" {
        pub fn select(at: *const u32, len: usize, time: u32, out: &mut u32) -> u32;
    }
}

mod store {
    #[link(wasm_import_module = "fastly_config_store")]
    unsafe extern "C" {
        #[link_name = "open"]
        pub fn open_config(at: *const u8, len: usize, out: &mut u32) -> u32;
        #[link_name = "get"]
        pub fn get_config(store: u32, k: *const u8, kn: usize, at: *mut u8, len: usize, out: &mut usize) -> u32;
    }
    #[link(wasm_import_module = "fastly_secret_store")]
    unsafe extern "C" {
        #[link_name = "open"]
        pub fn open_secrets(at: *const u8, len: usize, out: &mut u32) -> u32;
        #[link_name = "get"]
        pub fn get_secret(store: u32, k: *const u8, kn: usize, out: &mut u32) -> u32;
        pub fn plaintext(secret: u32, at: *mut u8, len: usize, out: &mut usize) -> u32;
    }
    #[link(wasm_import_module = "fastly_object_store")]
    unsafe extern "C" {
        pub fn open(at: *const u8, len: usize, out: &mut u32) -> u32;
        pub fn lookup(store: u32, k: *const u8, kn: usize, body: &mut u32) -> u32;
        pub fn insert(store: u32, k: *const u8, kn: usize, body: u32) -> u32;
    }
    #[link(wasm_import_module = "fastly_log")]
    unsafe extern "C" {
        pub fn endpoint_get(at: *const u8, len: usize, out: &mut u32) -> u32;
        #[link_name = "write"]
        pub fn log(endpoint: u32, at: *const u8, len: usize, out: &mut usize) -> u32;
    }
    #[link(wasm_import_module = "fastly_purge")]
    unsafe extern "C" {
        pub fn purge_surrogate_key(at: *const u8, len: usize, mask: u32, options: u32) -> u32;
    }
    #[link(wasm_import_module = "fastly_geo")]
    unsafe extern "C" {
        #[link_name = "lookup"]
        pub fn geo(at: *const u8, len: usize, out: *mut u8, out_len: usize, n: &mut usize) -> u32;
    }
}

fn ok(status: Status) {
    assert_eq!(status, 0, "a host function fails");
}

fn text(get: impl Fn(*mut u8, usize, &mut usize) -> Status) -> Option<String> {
    let (mut bytes, mut len) = (vec![0; 16], 0);
    let mut status = get(bytes.as_mut_ptr(), bytes.len(), &mut len);
    if status == BUFLEN {
        bytes.resize(len, 0);
        status = get(bytes.as_mut_ptr(), bytes.len(), &mut len);
    }
    bytes.truncate(len);
    (status == 0).then(|| String::from_utf8(bytes).expect("a text"))
}

/// A new handle.
fn made(make: impl Fn(&mut u32) -> Status) -> u32 {
    let mut handle = NO_HANDLE;
    ok(make(&mut handle));
    handle
}

fn new_body(text: &[u8]) -> u32 {
    let handle = made(|out| unsafe { body::new(out) });
    write_all(handle, text);
    handle
}

fn write_all(handle: u32, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let mut count = 0;
        ok(unsafe { body::write(handle, bytes.as_ptr(), bytes.len(), 0, &mut count) });
        bytes = &bytes[count..];
    }
}

/// Reads a body to its end, or to where that is missing.
fn read_all(handle: u32) -> (Vec<u8>, Status) {
    let (mut all, mut block) = (Vec::new(), [0; 4096]);
    loop {
        let mut count = 0;
        match unsafe { body::read(handle, block.as_mut_ptr(), block.len(), &mut count) } {
            0 if count > 0 => all.extend_from_slice(&block[..count]),
            status => return (all, status),
        }
    }
}

fn respond(status: u32, handle: u32, streams: bool) {
    let response = made(|out| unsafe { resp::new(out) });
    ok(unsafe { resp::status_set(response, status) });
    let (name, value) = ("x-from", "edge");
    ok(unsafe { resp::header_append(response, name.as_ptr(), name.len(), value.as_ptr(), value.len()) });
    ok(unsafe { resp::send_downstream(response, handle, streams.into()) });
}

fn answer(text: impl AsRef<[u8]>) {
    respond(200, new_body(text.as_ref()), false);
}

/// A request for a path of the backend `origin`.
fn request(method: &str, path: &str) -> u32 {
    let handle = made(|out| unsafe { req::new(out) });
    let uri = format!("http://example.org{path}");
    ok(unsafe { req::method_set(handle, method.as_ptr(), method.len()) });
    ok(unsafe { req::uri_set(handle, uri.as_ptr(), uri.len()) });
    handle
}

/// Sends it, and gives the response and its body, or the error's tag.
fn send(request: u32, body: u32, backend: &str) -> Result<(u32, u32), u32> {
    let (mut detail, mut response, mut out) = ([0; 5], 0, 0);
    let at = detail.as_mut_ptr();
    let status = unsafe { req::send_v2(request, body, backend.as_ptr(), backend.len(), at, &mut response, &mut out) };
    if status == 0 { Ok((response, out)) } else { Err(detail[0]) }
}

fn begin(path: &str, body: u32, streams: bool) -> u32 {
    let (request, backend) = (request(if streams { "POST" } else { "GET" }, path), "origin");
    made(|out| unsafe { req::send_async_v2(request, body, backend.as_ptr(), backend.len(), streams.into(), out) })
}

fn wait(pending: u32) -> (u32, u32) {
    let (mut detail, mut response, mut body) = ([0; 5], 0, 0);
    ok(unsafe { req::pending_req_wait_v2(pending, detail.as_mut_ptr(), &mut response, &mut body) });
    (response, body)
}

fn main() {
    let (mut client, mut sent) = (0, 0);
    ok(unsafe { req::body_downstream_get(&mut client, &mut sent) });
    let uri = text(|at, len, out| unsafe { req::uri_get(client, at, len, out) }).expect("a URI");
    let path = uri.splitn(4, '/').nth(3).unwrap_or("").to_owned();
    let (path, query) = path.split_once('?').unwrap_or((&path, ""));
    match path {
        "uri" => answer(uri),
        "echo" => respond(200, sent, false),
        "method" => answer(text(|at, len, out| unsafe { req::method_get(client, at, len, out) }).expect("a method")),
        "names" => answer(names(client)),
        "client" => {
            let (mut bytes, mut len) = ([0; 16], 0);
            ok(unsafe { req::downstream_client_ip_addr(bytes.as_mut_ptr(), &mut len) });
            let tls = unsafe { req::downstream_tls_protocol(bytes.as_mut_ptr(), 0, &mut len) };
            let geo = unsafe { store::geo(bytes.as_ptr(), 4, bytes.as_mut_ptr(), 16, &mut len) };
            answer(format!("{:?} {tls} {geo}", &bytes[..4]));
        }
        "status" => respond(query.parse().unwrap_or(0), new_body(b"as asked"), false),
        "nothing" => {}
        "exit" => std::process::exit(3),
        "trap" => std::process::abort(),
        "late-trap" => {
            answer("all is well");
            std::process::abort();
        }
        "loop" => {
            let mut count = 0_u64;
            while std::hint::black_box(count) < u64::MAX {
                count += 1;
            }
        }
        "grow" => {
            let mut all = Vec::new();
            loop {
                all.push(new_body(&[7; 1 << 16]));
            }
        }
        "handles" => {
            let mut made = 0;
            let mut handle = 0;
            while unsafe { req::new(&mut handle) } == 0 {
                made += 1;
            }
            answer(if made > 1000 && made < 20_000 { "bounded" } else { "not bounded" });
        }
        "bomb" => bomb(),
        "wrong" => wrong(client, sent),
        "purge" => answer(unsafe { store::purge_surrogate_key("k".as_ptr(), 1, 0, 0) }.to_string()),
        "unknown" => answer(unsafe { req::nobody_has_this(7) }.to_string()),
        "stream" => {
            let out = new_body(b"");
            respond(200, out, true);
            for i in 0..5 {
                write_all(out, format!("{i}\n").as_bytes());
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            ok(unsafe { body::close(out) });
        }
        "flood" => {
            let out = new_body(b"");
            respond(200, out, true);
            loop {
                write_all(out, &[b'x'; 4096]);
            }
        }
        "abandon" | "unfinished" => {
            let out = new_body(b"");
            respond(200, out, true);
            write_all(out, b"a beginning");
            if path == "abandon" {
                ok(unsafe { body::abandon(out) });
            }
        }
        "fetch" | "proxy" => fetch(query, sent, path == "proxy"),
        "dynamic" => dynamic(query),
        "both" => both(),
        "upload" => upload(query),
        "hang" => {
            let pending = begin("/silent", new_body(b""), false);
            wait(pending);
        }
        "poll" => {
            let pending = begin("/slow", new_body(b""), false);
            let (mut detail, mut done, mut response, mut body) = ([0; 5], 7, 0, 0);
            ok(unsafe { req::pending_req_poll_v2(pending, detail.as_mut_ptr(), &mut done, &mut response, &mut body) });
            let first = (done, response == NO_HANDLE);
            let mut index = 0;
            ok(unsafe { io::select([pending].as_ptr(), 1, 1, &mut index) });
            let (_, body) = wait(pending);
            answer(format!("{first:?} {} {}", index == u32::MAX, String::from_utf8_lossy(&read_all(body).0)));
        }
        "sleep" => {
            let mut index = 0;
            ok(unsafe { io::select(std::ptr::NonNull::dangling().as_ptr(), 0, 3_600_000, &mut index) });
        }
        "config" => {
            let store = made(|out| unsafe { store::open_config("settings".as_ptr(), 8, out) });
            let get = |key: &str| text(|at, len, out| unsafe { store::get_config(store, key.as_ptr(), key.len(), at, len, out) });
            let mut other = 0;
            let absent = unsafe { store::open_config("nowhere".as_ptr(), 7, &mut other) };
            answer(format!("{:?} {:?} {absent}", get("mode"), get("none")));
        }
        "secret" => {
            let store = made(|out| unsafe { store::open_secrets("keys".as_ptr(), 4, out) });
            let secret = made(|out| unsafe { store::get_secret(store, "token".as_ptr(), 5, out) });
            answer(text(|at, len, out| unsafe { store::plaintext(secret, at, len, out) }).expect("a secret"));
        }
        "kv" => {
            let store = made(|out| unsafe { store::open("words".as_ptr(), 5, out) });
            let body = made(|out| unsafe { store::lookup(store, "count".as_ptr(), 5, out) });
            let count = match body {
                NO_HANDLE => 0,
                body => String::from_utf8_lossy(&read_all(body).0).parse().unwrap_or(0),
            };
            let next = (count + 1).to_string();
            ok(unsafe { store::insert(store, "count".as_ptr(), 5, new_body(next.as_bytes())) });
            answer(next);
        }
        "log" => {
            let endpoint = made(|out| unsafe { store::endpoint_get("audit".as_ptr(), 5, out) });
            let (message, mut count) = ("a line\x1b[2J", 0);
            ok(unsafe { store::log(endpoint, message.as_ptr(), message.len(), &mut count) });
            println!("printed");
            answer("logged");
        }
        _ => respond(404, new_body(b"not here"), false),
    }
    let _ = std::io::stdout().flush();
}

/// All names of the client's headers, by a buffer that takes a few at a time.
fn names(client: u32) -> Vec<u8> {
    let (mut all, mut cursor) = (Vec::new(), 0);
    loop {
        let (mut bytes, mut end, mut count) = ([0; 24], 0_i64, 0);
        ok(unsafe { req::header_names_get(client, bytes.as_mut_ptr(), bytes.len(), cursor, &mut end, &mut count) });
        all.extend(bytes[..count].iter().map(|byte| if *byte == 0 { b'\n' } else { *byte }));
        match end {
            -1 => return all,
            next => cursor = next as u32,
        }
    }
}

/// Headers without end.
fn bomb() {
    let request = made(|out| unsafe { req::new(out) });
    let value = vec![b'x'; 1 << 10];
    let mut count = 0;
    let refused = loop {
        let name = format!("x-{count}");
        match unsafe { req::header_append(request, name.as_ptr(), name.len(), value.as_ptr(), value.len()) } {
            0 => count += 1,
            status => break status,
        }
    };
    answer(format!("{refused} {}", count < 1_000));
}

/// Addresses and lengths that lie, and handles of nothing: each is an error and no more.
fn wrong(client: u32, sent: u32) {
    let (far, mut n, mut small, mut length) = (u32::MAX as *mut u8, 0, 0_u16, 0_u64);
    let status = unsafe {
        [
            req::uri_get(client, far, 100, &mut n),
            req::uri_set(client, far, 1),
            req::uri_set(client, "http://a b/".as_ptr(), 11),
            req::method_set(client, "G T".as_ptr(), 3),
            req::header_names_get(client, far, 1, 0, std::ptr::null_mut(), std::ptr::null_mut()),
            req::header_names_get(client, 8 as *mut u8, usize::MAX, 0, std::ptr::null_mut(), std::ptr::null_mut()),
            req::header_append(client, "a\n".as_ptr(), 2, "b".as_ptr(), 1),
            body::write(sent, far, usize::MAX, 0, &mut n),
            body::read(sent, far, 8, &mut n),
            body::read(NO_HANDLE, far, 8, &mut n),
            body::append(sent, sent),
            body::known_length(77, &mut length),
            resp::status_get(5, &mut small),
            resp::send_downstream(5, sent, 0),
            req::send_v2(client, sent, "nowhere".as_ptr(), 7, far.cast(), &mut 0, &mut 0),
            io::select(far.cast(), 4, 0, &mut 0),
            io::select(far.cast(), u32::MAX as usize, 0, &mut 0),
            io::select(far.cast(), 0, 0, &mut 0),
            store::endpoint_get(far, usize::MAX, &mut 0),
        ]
    };
    answer(format!("{status:?}"));
}

/// Gets a path of the backend; `proxied`, its body is the answer's, else it is read first.
fn fetch(path: &str, sent: u32, proxied: bool) {
    let backend = if path == "down" { "down" } else { "origin" };
    let method = if path == "echo" { "POST" } else { "GET" };
    let request = request(method, &format!("/{path}"));
    match send(request, sent, backend) {
        Err(tag) => answer(format!("error {tag}")),
        Ok((_, body)) if proxied => respond(200, body, false),
        Ok((response, body)) => {
            let mut status = 0;
            ok(unsafe { resp::status_get(response, &mut status) });
            let kind = "x-kind";
            let kind = text(|at, len, out| unsafe {
                resp::header_value_get(response, kind.as_ptr(), kind.len(), at, len, out)
            });
            let (bytes, end) = read_all(body);
            answer(format!("{status} {kind:?} {end} {}", String::from_utf8_lossy(&bytes)));
        }
    }
}

/// Makes a backend twice that leads to `target`, whose host requests don't name, and gets `quick` from it.
fn dynamic(target: &str) {
    let (name, host) = ("made", "named");
    let mut config = [0; 64];
    (config[0], config[1]) = (host.as_ptr() as u32, host.len() as u32);
    let make = |mask| unsafe {
        let (name, target) = (name.as_bytes(), target.as_bytes());
        req::register_dynamic_backend(name.as_ptr(), name.len(), target.as_ptr(), target.len(), mask, config.as_ptr())
    };
    let made = (make(1 << 1), make(1 << 1), make(1 << 9));
    let answered = send(request("GET", "/quick"), new_body(b""), name).map(|(_, body)| read_all(body).0);
    let answered = answered.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    answer(format!("{made:?} {answered:?}"));
}

/// Two requests at a time: the slow one is begun first and read last.
fn both() {
    let pending = [begin("/slow", new_body(b""), false), begin("/quick", new_body(b""), false)];
    let mut index = 0;
    ok(unsafe { io::select(pending.as_ptr(), 2, 0, &mut index) });
    let mut texts = Vec::new();
    for one in [pending[index as usize], pending[1 - index as usize]] {
        let (_, body) = wait(one);
        ok(unsafe { io::select([body].as_ptr(), 1, 0, &mut 0) });
        texts.extend(read_all(body).0);
    }
    answer(texts);
}

/// A request whose body is written after it was sent: a million bytes, or not to its end.
fn upload(how: &str) {
    let body = new_body(b"");
    let pending = begin("/count", body, true);
    write_all(body, &vec![b'u'; 1_000_000]);
    match how {
        "broken" => ok(unsafe { body::abandon(body) }),
        _ => ok(unsafe { body::close(body) }),
    }
    let (mut detail, mut response, mut out) = ([0; 5], 0, 0);
    let status = unsafe { req::pending_req_wait_v2(pending, detail.as_mut_ptr(), &mut response, &mut out) };
    match status {
        0 => answer(read_all(out).0),
        status => answer(format!("error {status}")),
    }
}
