//! Each bound on what a module may ask for: below it and at it the module loads, beyond it it's refused by name.

use super::{leb, load, section, wasm, with_sections};
use crate::memory::Budget;
use crate::memory::limits::*;
use crate::module::ModuleInner;
use crate::module::features::Features;
use crate::stream::{AcceptAll, ErrorKind, LoadError, LoadOptions, Loader};
use alloc::borrow::ToOwned;
use alloc::vec::Vec;

fn load_with(limits: Limits, bytes: &[u8]) -> Result<ModuleInner, LoadError> {
    let options = LoadOptions { limits, ..LoadOptions::default() };
    let mut loader = Loader::new(Features::default(), &Budget::unlimited(), options, AcceptAll).unwrap();
    loader.push(bytes)?;
    loader.finish()
}

/// A module whose functions, of type `() -> ()`, have these bodies.
fn with_bodies(bodies: &[Vec<u8>]) -> Vec<u8> {
    let funcs = [leb(bodies.len()), vec![0; bodies.len()]].concat();
    let code = bodies.iter().flat_map(|body| [leb(body.len()), body.clone()].concat());
    let code = [leb(bodies.len()), code.collect()].concat();
    with_sections(&[section(1, b"\x01\x60\0\0"), section(3, &funcs), section(10, &code)])
}

/// A body without locals that consists of `instructions` and its end.
fn body(instructions: &[u8]) -> Vec<u8> {
    [b"\0", instructions, b"\x0b"].concat()
}

/// A module with a section of `count` items.
fn with_items(id: u8, count: usize, item: &[u8]) -> Vec<u8> {
    with_sections(&[section(id, &[leb(count), item.repeat(count)].concat())])
}

/// A data segment with so many bytes before its payload, which has three more.
fn data_segment(header: usize) -> Vec<u8> {
    // The flags, the first constant, the end, and the payload's size; what is missing makes the first constant longer.
    let (adds, more) = ((header - 5) / 3, (header - 5) % 3);
    let constant = [&b"\x41"[..], &b"\x80".repeat(more), b"\0"].concat();
    let expr = [constant, b"\x41\0\x6a".repeat(adds), b"\x0b".to_vec()].concat();
    with_sections(&[section(5, b"\x01\0\x01"), section(11, &[b"\x01\0", &*expr, b"\x03abc"].concat())])
}

struct Bound {
    most: usize,
    module: fn(usize) -> Vec<u8>,
    kind: ErrorKind,
    words: &'static str,
}

const BOUNDS: [Bound; 13] = [
    Bound {
        most: MAX_BODY_BYTES as usize,
        module: |n| with_bodies(&[body(&vec![1; n - 2])]),
        kind: ErrorKind::Invalid,
        words: "function body size count exceeds limit of 7654321",
    },
    Bound {
        most: MAX_LOCALS as usize,
        module: |n| with_bodies(&[[b"\x02\x01\x7e", &*leb(n - 1), b"\x7f\x0b"].concat()]),
        kind: ErrorKind::Invalid,
        words: "too many locals: locals exceed maximum",
    },
    Bound {
        most: MAX_OPERANDS as usize,
        module: |n| with_bodies(&[body(&[&b"\x41\0".repeat(n)[..], b"\0"].concat())]),
        kind: ErrorKind::Limit,
        words: "function has more than 1048576 operands on its stack",
    },
    Bound {
        // One of them is the body.
        most: MAX_CONTROL_DEPTH as usize,
        module: |n| with_bodies(&[body(&[b"\x02\x40".repeat(n - 1), b"\x0b".repeat(n - 1)].concat())]),
        kind: ErrorKind::Limit,
        words: "function has more than 65536 blocks inside each other",
    },
    Bound {
        most: MAX_STRING_BYTES as usize,
        module: |n| with_sections(&[section(0, &[leb(n), vec![b'n'; n]].concat())]),
        kind: ErrorKind::Invalid,
        words: "string size out of bounds",
    },
    Bound {
        most: MAX_STRING_BYTES as usize,
        module: |n| {
            with_sections(&[section(2, &[b"\x01\0", &*leb(n), &vec![b'n'; n], b"\x02\0\0"].concat())])
        },
        kind: ErrorKind::Invalid,
        words: "string size out of bounds",
    },
    Bound {
        most: MAX_DATA_SEGMENTS as usize,
        module: |n| with_items(11, n, b"\x01\0"),
        kind: ErrorKind::Invalid,
        words: "data segments count exceeds limit of 100000",
    },
    Bound {
        most: MAX_DATA_SEGMENT_HEADER,
        module: data_segment,
        kind: ErrorKind::Limit,
        words: "data segment has more than 4096 bytes before its payload",
    },
    Bound {
        most: 65536,
        module: |n| wasm(&format!("(module (memory {n}))")),
        kind: ErrorKind::Invalid,
        words: "memory size must be at most 0x10000 65536-byte pages",
    },
    Bound {
        most: 65536,
        module: |n| wasm(&format!("(module (import \"a\" \"b\" (memory 0 {n})))")),
        kind: ErrorKind::Invalid,
        words: "memory size must be at most 0x10000 65536-byte pages",
    },
    Bound {
        most: 100,
        module: |n| with_items(5, n, b"\0\x01"),
        kind: ErrorKind::Invalid,
        words: "memories count exceeds limit of 100",
    },
    Bound {
        most: 100_000,
        module: |n| with_items(4, n, b"\x70\0\x01"),
        kind: ErrorKind::Invalid,
        words: "tables count exceeds limit of 100000",
    },
    Bound {
        most: 100_000,
        module: |n| with_items(9, n, b"\x01\0\0"),
        kind: ErrorKind::Invalid,
        words: "element segments count exceeds limit of 100000",
    },
];

#[test]
fn what_is_at_a_bound_loads_and_what_is_beyond_is_refused() {
    for Bound { most, module, kind, words } in BOUNDS {
        for n in [most - 1, most] {
            load([module(n)]).unwrap_or_else(|error| panic!("{n}, but {words}: {error}"));
        }
        let error = load([module(most + 1)]).unwrap_err();
        assert_eq!((error.kind, &*error.message()), (kind, words));
    }
}

/// Bounds of wasmparser's: a section that claims as many isn't refused for that.
#[test]
fn a_claim_of_as_many_as_there_may_be_is_read() {
    for (id, words) in [
        (1, "types count exceeds limit of 1000000"),
        (2, "imports count exceeds limit of 1000000"),
        (3, "functions count exceeds limit of 1000000"),
        (6, "globals count exceeds limit of 1000000"),
        (7, "exports count exceeds limit of 1000000"),
    ] {
        let claim = |count: usize| load([with_sections(&[section(id, &leb(count))])]).unwrap_err();
        assert_eq!(claim(1_000_000).message(), "unexpected end-of-file", "{words}");
        assert_eq!(claim(1_000_001).message(), words);
    }
}

/// What is imported counts, whether something is defined besides or not.
#[test]
fn what_is_imported_counts() {
    type Set = fn(&mut Limits, u32);
    let spaces: [(&str, &str, Set); 4] = [
        ("(func)", "functions", |limits, n| limits.functions = n),
        ("(table 1 funcref)", "tables", |limits, n| limits.tables = n),
        ("(memory 1)", "memories", |limits, n| limits.memories = n),
        ("(global i32", "globals", |limits, n| limits.globals = n),
    ];
    for (text, what, set) in spaces {
        let (imported, defined) = match text.strip_suffix(')') {
            Some(_) => (text.to_owned(), text.to_owned()),
            None => (format!("{text})"), format!("{text} (i32.const 0))")),
        };
        for count in 2..=4 {
            for imports in 0..=count {
                let module = format!(
                    "(module {}{})",
                    format!("(import \"a\" \"b\" {imported})").repeat(imports),
                    defined.repeat(count - imports)
                );
                let mut limits = Limits::default();
                set(&mut limits, 3);
                let result = load_with(limits, &wasm(&module));
                match result {
                    Ok(_) => assert!(count <= 3, "{imports} of {count} {what} are imported"),
                    Err(error) => {
                        assert_eq!(error.kind, ErrorKind::Limit, "{error}");
                        assert_eq!(error.message(), format!("module has more than 3 {what}"));
                        assert_eq!(count, 4);
                    }
                }
            }
        }
    }
    // By default, too.
    let memories = |imported: usize, defined: usize| {
        let imports = section(2, &[leb(imported), b"\0\0\x02\0\x01".repeat(imported)].concat());
        let memories = section(5, &[leb(defined), b"\0\x01".repeat(defined)].concat());
        load([with_sections(&[imports, memories])])
    };
    for imported in [1, 50, 99, 100] {
        memories(imported, 100 - imported).unwrap();
        let error = memories(imported, 101 - imported).unwrap_err();
        assert_eq!(error.message(), "memories count exceeds limit of 100");
    }
}

#[test]
fn functions_must_have_some_bytes_on_average_from_some_bytes_on() {
    // Of so many bytes together: three each, but for the last.
    let module = |bytes: usize| {
        let mut bodies = vec![body(&[]); bytes / 3 - 1];
        bodies.push(body(&vec![1; bytes % 3]));
        with_bodies(&bodies)
    };
    let limits = |average| Limits { average_function_bytes: average, ..Limits::default() };
    let most = AVERAGE_FROM_BYTES as usize;
    load_with(limits(8), &module(most - 1)).unwrap();
    for bytes in [most, most + 1] {
        let error = load_with(limits(8), &module(bytes)).unwrap_err();
        assert_eq!(error.message(), "functions have fewer than 8 bytes on average");
        assert_eq!(error.kind, ErrorKind::Limit);
    }
    // Three bytes for each function, and no fewer.
    load_with(limits(3), &module(most)).unwrap();
    assert!(load_with(limits(4), &module(most)).is_err());
}

#[test]
fn sections_and_their_names_are_listed_up_to_a_bound() {
    let listed = |sections: usize| {
        let module = load([with_sections(&vec![section(0, b"\x01x"); sections])]).unwrap();
        module.sections.len()
    };
    let most = MAX_LISTED_SECTIONS;
    assert_eq!([listed(most - 1), listed(most), listed(most + 1)], [most - 1, most, most]);
    let name = |name: &str| {
        let custom = section(0, &[&*leb(name.len()), name.as_bytes()].concat());
        let module = load([with_sections(&[custom])]).unwrap();
        module.sections[0].name.as_deref().unwrap().to_owned()
    };
    let most = MAX_LISTED_NAME_BYTES;
    let long = "n".repeat(most + 1);
    assert_eq!([&long[..most - 1], &long[..most]].map(name), [&long[..most - 1], &long[..most]]);
    assert_eq!(name(&long), &long[..most]);
    // Between characters.
    let accents = format!("n{}", "é".repeat(most));
    assert_eq!(name(&accents), accents[..most - 1]);
}

/// Four gigabytes of custom sections that nobody looks at.
#[test]
fn a_module_has_at_most_as_many_bytes_as_offsets_can_name() {
    let piece = vec![0; 16 << 20];
    let load = |bytes: u64| {
        let mut loader =
            Loader::new(Features::default(), &Budget::unlimited(), LoadOptions::default(), AcceptAll)
                .unwrap();
        loader.push(&with_sections(&[]))?;
        // A section of at most 2^31 bytes, and another one.
        let mut left = bytes - 8;
        while left > 0 {
            let now = left.min(1 << 31).min(if left > 1 << 31 { left - 100 } else { left });
            // Its id, five bytes of its size, and an empty name.
            let mut size = now as u32 - 6;
            let mut header = vec![0];
            for i in 0..5 {
                header.push(size as u8 & 0x7f | if i < 4 { 0x80 } else { 0 });
                size >>= 7;
            }
            loader.push(&header)?;
            let mut contents = now - 6;
            while contents > 0 {
                let now = contents.min(piece.len() as u64);
                loader.push(&piece[..now as usize])?;
                contents -= now;
            }
            left -= now;
        }
        loader.finish()
    };
    for bytes in [MAX_MODULE_BYTES - 1, MAX_MODULE_BYTES] {
        assert_eq!(load(bytes).unwrap().size, bytes);
    }
    let error = load(MAX_MODULE_BYTES + 1).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Limit);
    assert_eq!(error.message(), "module is larger than 4294967295 bytes");
}
