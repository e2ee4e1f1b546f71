//! A filter for proxies, written against proxy-wasm's ABI 0.2.1 itself. Its configuration says what it does:
//!
//! - `headers`: marks requests and responses, sets, adds and removes fields, and says which there are.
//! - `body`: waits for whole bodies and replaces them by their lengths and their first bytes in upper case.
//! - `answer`: answers itself where the path is `/answer`, and marks that answer as any other response.
//! - `count`: counts requests in shared data, and says the count in the response.
//! - `trailers`: says what it is told, in order, and marks trailers.
//! - `trap`: traps where the path is `/trap`.

use std::cell::RefCell;
use std::slice;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: u32, at: *const u8, len: usize) -> u32;
    fn proxy_get_buffer_bytes(buffer: u32, start: usize, max: usize, at: *mut *mut u8, len: *mut usize) -> u32;
    fn proxy_set_buffer_bytes(buffer: u32, start: usize, size: usize, at: *const u8, len: usize) -> u32;
    fn proxy_get_header_map_pairs(map: u32, at: *mut *mut u8, len: *mut usize) -> u32;
    fn proxy_get_header_map_value(
        map: u32,
        key: *const u8,
        key_len: usize,
        at: *mut *mut u8,
        len: *mut usize,
    ) -> u32;
    fn proxy_add_header_map_value(map: u32, k: *const u8, kn: usize, v: *const u8, vn: usize) -> u32;
    fn proxy_replace_header_map_value(map: u32, k: *const u8, kn: usize, v: *const u8, vn: usize) -> u32;
    fn proxy_remove_header_map_value(map: u32, k: *const u8, kn: usize) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_len: usize,
        body: *const u8,
        body_len: usize,
        headers: *const u8,
        headers_len: usize,
        grpc: i32,
    ) -> u32;
    fn proxy_get_shared_data(key: *const u8, len: usize, at: *mut *mut u8, n: *mut usize, cas: *mut u32) -> u32;
    fn proxy_set_shared_data(key: *const u8, len: usize, at: *const u8, n: usize, cas: u32) -> u32;
}

const REQUEST: u32 = 0;
const REQUEST_TRAILERS: u32 = 1;
const RESPONSE: u32 = 2;
const RESPONSE_TRAILERS: u32 = 3;
const PLUGIN_CONFIGURATION: u32 = 7;

const CONTINUE: u32 = 0;
const PAUSE: u32 = 1;

thread_local! {
    static MODE: RefCell<String> = const { RefCell::new(String::new()) };
}

fn mode(name: &str) -> bool {
    MODE.with_borrow(|mode| mode == name)
}

fn log(text: &str) {
    unsafe { proxy_log(2, text.as_ptr(), text.len()) };
}

/// What the host allocated by `proxy_on_memory_allocate`, and no longer needs.
fn taken(status: u32, at: *mut u8, len: usize) -> Option<String> {
    if status != 0 || at.is_null() {
        return (status == 0).then(String::new);
    }
    let bytes = unsafe { Box::from_raw(slice::from_raw_parts_mut(at, len)) };
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn get(map: u32, key: &str) -> Option<String> {
    let (mut at, mut len) = (std::ptr::null_mut(), 0);
    let status = unsafe { proxy_get_header_map_value(map, key.as_ptr(), key.len(), &mut at, &mut len) };
    taken(status, at, len)
}

fn add(map: u32, key: &str, value: &str) {
    unsafe { proxy_add_header_map_value(map, key.as_ptr(), key.len(), value.as_ptr(), value.len()) };
}

fn replace(map: u32, key: &str, value: &str) {
    unsafe { proxy_replace_header_map_value(map, key.as_ptr(), key.len(), value.as_ptr(), value.len()) };
}

fn remove(map: u32, key: &str) {
    unsafe { proxy_remove_header_map_value(map, key.as_ptr(), key.len()) };
}

/// The names in a map, in order.
fn names(map: u32) -> String {
    let (mut at, mut len) = (std::ptr::null_mut(), 0);
    if unsafe { proxy_get_header_map_pairs(map, &mut at, &mut len) } != 0 || at.is_null() {
        return "none".into();
    }
    let wire = unsafe { Box::from_raw(slice::from_raw_parts_mut(at, len)) };
    let word = |at: usize| u32::from_le_bytes(wire[at..at + 4].try_into().unwrap()) as usize;
    let (count, mut names) = (word(0), Vec::new());
    let mut text = 4 + 8 * count;
    for field in 0..count {
        let (name, value) = (word(4 + 8 * field), word(8 + 8 * field));
        names.push(String::from_utf8_lossy(&wire[text..text + name]).into_owned());
        text += name + value + 2;
    }
    names.join(" ")
}

fn body(buffer: u32, max: usize) -> String {
    let (mut at, mut len) = (std::ptr::null_mut(), 0);
    let status = unsafe { proxy_get_buffer_bytes(buffer, 0, max, &mut at, &mut len) };
    taken(status, at, len).unwrap_or_default()
}

fn answer(status: u32, text: &str) {
    // One field, `x-answer: yes`.
    let headers = b"\x01\0\0\0\x08\0\0\0\x03\0\0\0x-answer\0yes\0";
    let details = "asked for";
    unsafe {
        proxy_send_local_response(
            status,
            details.as_ptr(),
            details.len(),
            text.as_ptr(),
            text.len(),
            headers.as_ptr(),
            headers.len(),
            -1,
        )
    };
}

/// Adds one to a number in shared data.
fn count() -> u32 {
    let key = "count";
    loop {
        let (mut at, mut len, mut cas) = (std::ptr::null_mut(), 0, 0);
        let status = unsafe { proxy_get_shared_data(key.as_ptr(), key.len(), &mut at, &mut len, &mut cas) };
        let count = taken(status, at, len).and_then(|text| text.parse().ok()).unwrap_or(0) + 1;
        let text = count.to_string();
        if unsafe { proxy_set_shared_data(key.as_ptr(), key.len(), text.as_ptr(), text.len(), cas) } == 0 {
            return count;
        }
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_memory_allocate(len: usize) -> *mut u8 {
    Box::into_raw(vec![0_u8; len].into_boxed_slice()).cast()
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(_root: u32, size: usize) -> u32 {
    MODE.set(body(PLUGIN_CONFIGURATION, size));
    u32::from(!mode("refuse"))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(_id: u32, count: u32, end: u32) -> u32 {
    let path = get(REQUEST, ":path").unwrap_or_default();
    if mode("trap") && path == "/trap" {
        std::process::abort();
    }
    if mode("answer") && path == "/answer" {
        answer(418, "short and stout\n");
        return PAUSE;
    }
    if mode("headers") {
        log(&format!("{count} fields, end {end}: {}", names(REQUEST)));
        log(&format!("x-many is {:?}, x-none is {:?}", get(REQUEST, "X-Many"), get(REQUEST, "x-none")));
        replace(REQUEST, "x-many", "one");
        replace(REQUEST, "X-New", "new");
        add(REQUEST, "x-new", "newer");
        remove(REQUEST, "x-gone");
        replace(REQUEST, ":path", "/rewritten");
    }
    if mode("body") {
        remove(REQUEST, "content-length");
    }
    if mode("trailers") {
        log(&format!("request headers, end {end}"));
    }
    CONTINUE
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_body(_id: u32, size: usize, end: u32) -> u32 {
    on_body(0, size, end)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_body(_id: u32, size: usize, end: u32) -> u32 {
    on_body(1, size, end)
}

fn on_body(buffer: u32, size: usize, end: u32) -> u32 {
    if mode("trailers") && end == 1 {
        log(&format!("end of body {buffer}"));
    }
    if !mode("body") {
        return CONTINUE;
    }
    if end == 0 {
        return PAUSE;
    }
    let text = format!("{size} bytes: {}\n", body(buffer, 10).to_uppercase());
    unsafe { proxy_set_buffer_bytes(buffer, 0, size, text.as_ptr(), text.len()) };
    CONTINUE
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_trailers(_id: u32, count: u32) -> u32 {
    if mode("trailers") {
        log(&format!("{count} request trailers: {}", names(REQUEST_TRAILERS)));
        add(REQUEST_TRAILERS, "x-filter", "seen");
    }
    CONTINUE
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_headers(_id: u32, _count: u32, end: u32) -> u32 {
    if mode("headers") || mode("answer") {
        log(&format!("status {:?}, end {end}", get(RESPONSE, ":status")));
        add(RESPONSE, "x-filter", "seen");
    }
    if mode("headers") {
        log(&format!("path is {:?} now", get(REQUEST, ":path")));
    }
    if mode("body") {
        remove(RESPONSE, "content-length");
    }
    if mode("count") {
        add(RESPONSE, "x-count", &count().to_string());
    }
    CONTINUE
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_trailers(_id: u32, count: u32) -> u32 {
    if mode("trailers") {
        log(&format!("{count} response trailers: {}", names(RESPONSE_TRAILERS)));
        add(RESPONSE_TRAILERS, "x-filter", "seen");
    }
    CONTINUE
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_done(_id: u32) -> u32 {
    if mode("trailers") {
        log("done");
    }
    1
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_log(_id: u32) {
    if mode("trailers") {
        log(&format!("log: {:?} {:?}", get(REQUEST, ":path"), get(RESPONSE, ":status")));
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_delete(_id: u32) {
    if mode("trailers") {
        log("deleted");
    }
}
