//! Bytes that are no module get the verdict that wasmparser gives them, and an error at the same place.

use super::*;
use alloc::string::ToString;

#[test]
fn every_truncation_is_an_error_that_says_so() {
    for text in SMALL {
        let bytes = wasm(text);
        for end in 0..bytes.len() {
            let cut = &bytes[..end];
            check(cut);
            match load([cut]) {
                Ok(_) => assert!(wasmparser(cut).is_ok()),
                Err(error) => {
                    assert!(error.offset <= end as u64, "{error}");
                    let counts = "function section has non-zero count but code section is absent";
                    let data = "data count is non-zero but data section is absent";
                    assert!(
                        error.message().starts_with("unexpected end-of-file: ")
                            || error.message() == counts
                            || error.message() == data,
                        "{error}"
                    );
                }
            }
        }
    }
    assert_eq!(
        load([b"\0asm\x01\0\0\0\x01\x04\x01"]).unwrap_err().to_string(),
        "unexpected end-of-file: the module stops after 11 bytes, inside the type section (at offset 0xa)"
    );
    assert_eq!(
        load([b""]).unwrap_err().to_string(),
        "unexpected end-of-file: the input is empty (at offset 0x0)"
    );
}

#[test]
fn a_flipped_byte_gives_the_verdict_of_wasmparser() {
    let (mut same, mut all) = (0, 0);
    for text in SMALL {
        let bytes = wasm(text);
        for at in 0..bytes.len() {
            for flip in [1, 0x80, 0xff, 0x40] {
                let mut bytes = bytes.clone();
                bytes[at] ^= flip;
                same += usize::from(check(&bytes));
                all += 1;
            }
        }
    }
    // The rest are sections that both stop early and hold nonsense: what comes first in them is reported.
    assert!(same * 100 >= all * 95, "{same} of {all}");
}

#[test]
fn mutated_modules_give_the_verdict_of_wasmparser() {
    let mut random = Random(2);
    for text in SMALL {
        let bytes = wasm(text);
        for _ in 0..2000 {
            let mut bytes = bytes.clone();
            for _ in 0..=random.below(3) {
                let at = random.below(bytes.len());
                match random.below(4) {
                    0 => bytes[at] = random.below(256) as u8,
                    1 => bytes[at] = bytes[at].wrapping_add(1),
                    2 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, random.below(256) as u8),
                }
            }
            check(&bytes);
            let cut = random.cut(&bytes, 11);
            assert_eq!(answer(load([&bytes])), answer(load(cut)));
        }
    }
}

#[test]
fn malformed_frames_have_the_words_of_wasmparser() {
    let frame = |rest: &[u8]| [b"\0asm\x01\0\0\0", rest].concat();
    for (bytes, words) in [
        (frame(b"\x0e\x00"), "malformed section id: 14 (at offset 0xa)"),
        (frame(b"\x81\x00"), "malformed section id (at offset 0x8)"),
        (frame(b"\x01\x01\x00\x01\x01\x00"), "section out of order (at offset 0xd)"),
        (frame(b"\x03\x01\x00\x01\x01\x00"), "section out of order (at offset 0xd)"),
        (frame(b"\0asm\x01\0\0\0"), "expected section, got wasm magic number (at offset 0x8)"),
        (frame(b"\0\x01\x05"), "unexpected end-of-file (at offset 0xb)"),
        (frame(b"\0\x02\x01\xff"), "malformed UTF-8 encoding (at offset 0xb)"),
        (
            frame(b"\x01\x02\x00\x00"),
            "section size mismatch: unexpected data at the end of the section (at offset 0xb)",
        ),
        (
            frame(b"\x01\x80\x80\x80\x80\x80\x00"),
            "invalid var_u32: integer representation too long (at offset 0xd)",
        ),
        (frame(b"\x01\x80\x80\x80\x80\x10"), "invalid var_u32: integer too large (at offset 0xd)"),
        (
            frame(b"\x0a\x01\x01"),
            "function section is absent but code section has non-zero count (at offset 0xa)",
        ),
        (frame(b"\x0a\x02\x00\x00"), "trailing bytes at end of section (at offset 0xb)"),
        (
            frame(b"\x0c\x01\x01\x0b\x01\x00"),
            "data count and data section have inconsistent lengths (at offset 0xe)",
        ),
        (frame(b"\x0c\x02\x00\x00"), "unexpected content in the data count section (at offset 0xb)"),
        (frame(b"\x0b\x02\x01\x03"), "invalid flags byte in data segment (at offset 0xb)"),
        (
            frame(b"\x0b\x06\x01\x00\x41\x00\x0b\x00"),
            "unknown memory 0: memory index out of bounds (at offset 0xb)",
        ),
        (frame(b"\x0b\x03\x01\x01\x02"), "unexpected end-of-file (at offset 0xd)"),
        (
            frame(b"\x0b\x04\x01\x01\x00\x00"),
            "section size mismatch: unexpected data at the end of the section (at offset 0xd)",
        ),
        (
            frame(b"\x0b\x05\xa1\x8d\x06\x00\x00"),
            "data segments count exceeds limit of 100000 (at offset 0xa)",
        ),
        (b"\0asm\x02\0\0\0".to_vec(), "unknown binary version:        0x2 (at offset 0x4)"),
    ] {
        assert_eq!(load([&bytes]).map(|_| ()).unwrap_err().to_string(), words);
        assert!(check(&bytes), "{words} is not what wasmparser says: {:?}", wasmparser(&bytes));
    }
}
