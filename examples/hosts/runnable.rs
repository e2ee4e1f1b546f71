//! A runnable for Suborbital's Atmo, against its ABI itself: it greets whom the path names (`:name`), and counts in the
//! cache how often. A visitor called `nobody` isn't found.

use std::slice;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn return_result(at: *const u8, len: usize, ident: i32);
    fn return_error(code: i32, at: *const u8, len: usize, ident: i32);
    fn log_msg(at: *const u8, len: usize, level: i32, ident: i32);
    fn resp_set_header(name: *const u8, name_len: usize, value: *const u8, value_len: usize, ident: i32);
    fn get_ffi_result(at: *mut u8, ident: i32) -> i32;
    fn request_get_field(kind: i32, key: *const u8, key_len: usize, ident: i32) -> i32;
    fn cache_get(key: *const u8, key_len: usize, ident: i32) -> i32;
    fn cache_set(key: *const u8, key_len: usize, value: *const u8, len: usize, seconds: i32, ident: i32) -> i32;
    fn get_static_file(name: *const u8, name_len: usize, ident: i32) -> i32;
}

/// What a parameter of the path is asked for by.
const PARAM: i32 = 3;

const INFO: i32 = 3;

/// Room for the input.
#[unsafe(no_mangle)]
extern "C" fn allocate(len: usize) -> *mut u8 {
    Vec::with_capacity(len).leak().as_mut_ptr()
}

#[unsafe(no_mangle)]
extern "C" fn deallocate(_: *mut u8, _: usize) {}

/// Called with the request's body, and a number that tells the host who calls.
#[unsafe(no_mangle)]
unsafe extern "C" fn run_e(at: *const u8, len: usize, ident: i32) {
    // SAFETY: the host has written so many bytes there.
    let input = unsafe { slice::from_raw_parts(at, len) };
    let host = Host(ident);
    match greet(&host, input) {
        // SAFETY: the host reads what is there.
        Ok(text) => unsafe { return_result(text.as_ptr(), text.len(), ident) },
        Err((code, text)) => unsafe { return_error(code, text.as_ptr(), text.len(), ident) },
    }
}

fn greet(host: &Host, input: &[u8]) -> Result<Vec<u8>, (i32, String)> {
    let name = host.param("name");
    if name == "nobody" {
        return Err((404, "nobody is here".into()));
    }
    let count = host.cached(&name).and_then(|count| String::from_utf8(count).ok()?.parse().ok()).unwrap_or(0) + 1;
    host.cache(&name, count.to_string().as_bytes());
    host.log(&format!("{name} is here"));
    host.header("Content-Type", "text/plain");
    let greeting = host.file("greeting.txt").unwrap_or_else(|| b"Hello".to_vec());
    let text = String::from_utf8_lossy(&greeting);
    let (greeting, words) = (text.trim_end(), String::from_utf8_lossy(input));
    let said = if words.is_empty() { String::new() } else { format!(" You say: {words}") };
    Ok(format!("{greeting}, {name}! Visit {count}.{said}\n").into_bytes())
}

/// The host, for one call.
struct Host(i32);

// SAFETY, of all calls here: the host reads what it is given, and writes only where there is room.
impl Host {
    fn param(&self, key: &str) -> String {
        let size = unsafe { request_get_field(PARAM, key.as_ptr(), key.len(), self.0) };
        self.fetch(size).and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
    }

    fn cached(&self, key: &str) -> Option<Vec<u8>> {
        let size = unsafe { cache_get(key.as_ptr(), key.len(), self.0) };
        self.fetch(size)
    }

    fn cache(&self, key: &str, value: &[u8]) {
        unsafe { cache_set(key.as_ptr(), key.len(), value.as_ptr(), value.len(), 0, self.0) };
    }

    fn file(&self, name: &str) -> Option<Vec<u8>> {
        let size = unsafe { get_static_file(name.as_ptr(), name.len(), self.0) };
        self.fetch(size)
    }

    fn log(&self, text: &str) {
        unsafe { log_msg(text.as_ptr(), text.len(), INFO, self.0) };
    }

    fn header(&self, name: &str, value: &str) {
        unsafe { resp_set_header(name.as_ptr(), name.len(), value.as_ptr(), value.len(), self.0) };
    }

    /// What the host keeps; `None` if that is an error, whose length is negative.
    fn fetch(&self, size: i32) -> Option<Vec<u8>> {
        // These keep nothing.
        if size == -1 || size == -2 {
            return None;
        }
        let mut bytes = vec![0; size.unsigned_abs() as usize];
        let is_there = unsafe { get_ffi_result(bytes.as_mut_ptr(), self.0) } == 0;
        (is_there && size >= 0).then_some(bytes)
    }
}
