//! Damaged and hostile debug information: no panic, and never more memory than the limit.

use dunlin_debug::{DebugInfo, demangle};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::Cursor;

/// Counts the bytes that this thread has, and the most that it had.
struct Counting;

thread_local! {
    static HAS: Cell<(isize, isize)> = const { Cell::new((0, 0)) };
}

fn count(bytes: isize) {
    // A thread that ends frees what its locals had when they are gone.
    let _ = HAS.try_with(|has| {
        let now = has.get().0 + bytes;
        has.set((now, now.max(has.get().1)));
    });
}

// SAFETY: it hands all to the system's allocator, whose contract is the same.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller keeps the contract.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes that are held at once while `f` runs, beyond those before.
fn peak(f: impl FnOnce()) -> u64 {
    let before = HAS.get().0;
    HAS.set((before, before));
    f();
    (HAS.get().1 - before) as u64
}

const MODULES: [&[u8]; 4] = [
    include_bytes!("modules/lines.wasm"),
    include_bytes!("modules/lines-5.wasm"),
    include_bytes!("modules/nested.wasm"),
    include_bytes!("modules/shapes.wasm"),
];

const LIMIT: u64 = 4 << 20;

/// Looks at all of it that a backtrace might, and gives how many functions were found.
fn look(bytes: &[u8], limit: u64) -> usize {
    let mut found = 0;
    let most = peak(|| {
        let Ok(Some(debug_info)) = DebugInfo::read(&mut Cursor::new(bytes), limit) else { return };
        let offsets: Vec<u64> = (0..bytes.len() as u64).step_by(7).take(50).collect();
        found = debug_info.symbols(&offsets).iter().map(Vec::len).sum();
    });
    assert!(most <= limit, "{most} bytes");
    found
}

/// Random numbers (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

#[test]
fn truncated_modules() {
    for module in MODULES {
        assert!(look(module, LIMIT) > 0);
        for length in 0..module.len() {
            look(&module[..length], LIMIT);
        }
    }
}

#[test]
fn mutated_modules() {
    let mut random = Random(0x5eed);
    let mut found = 0;
    for module in MODULES {
        for _ in 0..20_000 {
            let mut bytes = module.to_vec();
            for _ in 0..1 + random.below(4) {
                let at = random.below(bytes.len());
                // Numbers at the bounds of encodings are worse than others.
                bytes[at] = match random.below(4) {
                    0 => 0xff,
                    1 => 0x7f,
                    2 => bytes[at].wrapping_add(1),
                    _ => random.below(256) as u8,
                };
            }
            found += look(&bytes, LIMIT);
        }
    }
    // Most mutations leave something to be found.
    assert!(found > 100_000, "{found}");
}

/// A module with a code section of so many bytes, and these custom sections.
fn module(code: usize, sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    let mut section = |id: u8, contents: &[u8]| {
        module.push(id);
        let mut size = contents.len();
        while size >= 0x80 {
            module.push(size as u8 | 0x80);
            size >>= 7;
        }
        module.push(size as u8);
        module.extend_from_slice(contents);
    };
    section(10, &vec![0; code]);
    for (name, contents) in sections {
        let name = [&[name.len() as u8], name.as_bytes()].concat();
        section(0, &[&name, *contents].concat());
    }
    module
}

/// A unit (DWARF 4) whose root has these abbreviation code and attributes.
fn unit(entries: &[u8]) -> Vec<u8> {
    let mut unit = (entries.len() as u32 + 7).to_le_bytes().to_vec();
    unit.extend([4, 0, 0, 0, 0, 0, 4]);
    unit.extend_from_slice(entries);
    unit
}

#[test]
fn counts_and_lists_that_would_take_more() {
    // Abbreviations of five bytes, of which the parser makes more than a hundred each.
    let mut abbreviations = Vec::new();
    for code in 1..400_000u32 {
        for byte in 0..3 {
            let part = (code >> (7 * byte)) as u8 & 0x7f;
            abbreviations.push(part | if byte < 2 { 0x80 } else { 0 });
        }
        abbreviations.extend([0x11, 0, 0, 0]);
    }
    abbreviations.push(0);
    let info = unit(&[1]);
    look(&module(100, &[(".debug_info", &info), (".debug_abbrev", &abbreviations)]), 8 << 20);

    // A table of files of one byte each, in a line program of version 5.
    let mut lines = vec![5, 0, 4, 0];
    let mut header = vec![1, 1, 1, 0xfb, 14, 1, 1, 1, 0x0b, 0, 1, 1, 0x0b, 0xff, 0xff, 0xff, 0xff, 0x0f];
    header.resize(3 << 20, b'f');
    lines.extend((header.len() as u32).to_le_bytes());
    lines.extend(header);
    let lines = [&(lines.len() as u32).to_le_bytes()[..], &lines].concat();
    // DW_TAG_compile_unit with DW_AT_stmt_list, DW_FORM_sec_offset.
    let abbreviations = [1, 0x11, 0, 0x10, 0x17, 0, 0, 0];
    let info = unit(&[1, 0, 0, 0, 0]);
    let sections = [(".debug_info", &info[..]), (".debug_abbrev", &abbreviations), (".debug_line", &lines)];
    look(&module(100, &sections), 8 << 20);

    // Many units that all share one list of ranges.
    let ranges: Vec<u8> = [[1, 0, 0, 0], [90, 0, 0, 0]].concat().repeat(100_000);
    // DW_TAG_compile_unit with DW_AT_ranges, DW_FORM_sec_offset.
    let abbreviations = [1, 0x11, 0, 0x55, 0x17, 0, 0, 0];
    let info = unit(&[1, 0, 0, 0, 0]).repeat(100_000);
    let sections =
        [(".debug_info", &info[..]), (".debug_abbrev", &abbreviations), (".debug_ranges", &ranges)];
    look(&module(100, &sections), 8 << 20);
}

#[test]
fn names_that_are_no_names() {
    let mut random = Random(7);
    let names = [
        "_ZNK6shapes6SquareIiE4areaEi",
        "_ZNSt6vectorIiSaIiEE9push_backEOi",
        "_RNvXCscBeWpePWEWf_6nestedmNtB2_5Weigh5weigh",
        "_ZN4core9panicking5panic17h0123456789abcdefE",
    ];
    for name in names {
        assert_ne!(demangle(name), name);
        for _ in 0..50_000 {
            let mut bytes = name.as_bytes().to_vec();
            for _ in 0..1 + random.below(5) {
                let at = random.below(bytes.len());
                bytes[at] = b"_ZNKSTIE0123456789stLcvPOEBRC"[random.below(29)];
            }
            let name = String::from_utf8(bytes).unwrap();
            let most = peak(|| drop(demangle(&name)));
            assert!(most < 256 << 10, "{most} bytes for {name}");
        }
    }
}
