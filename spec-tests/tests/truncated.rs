//! Modules that end too early.

use dunlin::{Engine, Module};
use std::path::Path;

/// Every truncation of the small examples, and every 97th of the large ones; or every one, if the environment says
/// `EVERY_TRUNCATION=1` (some minutes).
#[test]
fn truncated_examples_are_refused_with_an_offset() {
    let every = std::env::var_os("EVERY_TRUNCATION").is_some();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/wasm");
    let engine = Engine::default();
    let mut tried = 0;
    for entry in std::fs::read_dir(folder).expect("the examples are there") {
        let path = entry.expect("a readable folder").path();
        let bytes = std::fs::read(&path).expect("a readable module");
        Module::new(&engine, &bytes).expect("the whole is valid");
        let step = if every || bytes.len() < 2000 { 1 } else { 97 };
        for len in (0..bytes.len()).step_by(step) {
            match Module::new(&engine, &bytes[..len]) {
                Ok(_) => assert!(
                    ends_between_sections(&bytes, len),
                    "{} is accepted when cut to {len} bytes",
                    path.display()
                ),
                Err(error) => {
                    let offset = error.offset().expect("an error in the bytes");
                    assert!(offset <= len as u64, "{}: {error}", path.display());
                }
            }
            tried += 1;
        }
    }
    assert!(tried > 1000, "only {tried} truncations were tried");
}

/// Whether a module cut to `len` bytes is one still: custom sections may be missing, and what they follow is whole.
fn ends_between_sections(bytes: &[u8], len: usize) -> bool {
    let mut at = 8;
    while at < len {
        let (mut size, mut shift) = (0usize, 0);
        let mut byte = at + 1;
        loop {
            size |= ((bytes[byte] & 0x7f) as usize) << shift;
            shift += 7;
            byte += 1;
            if bytes[byte - 1] < 0x80 {
                break;
            }
        }
        at = byte + size;
    }
    at == len
}
