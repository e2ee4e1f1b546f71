use super::*;
use crate::{AsContextMut, Engine, Instance, Module, Store};
use alloc::vec::Vec;

/// Memories of more than three pieces, and tables of three and some elements.
const MODULE: &str = r#"(module
    (memory 1) (memory 1)
    (table 12305 funcref) (table 12305 funcref)
    (data "abc") (func $f) (elem func $f $f) (elem funcref (ref.null func) (ref.func $f)))"#;
const LEN: u64 = 3 * PIECE + 17;

/// A store with an instance whose bytes and elements all differ from their neighbours, in two memories and two tables.
struct Guest(Store<()>, *mut VmCtx);

fn mixed(i: usize) -> u64 {
    (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
}

impl Guest {
    fn new(text: &str) -> Self {
        let mut store = Store::new(&Engine::default(), ());
        let module = Module::new(store.engine(), wat::parse_str(text).unwrap()).unwrap();
        Instance::new(&mut store, &module, &[]).unwrap();
        let mut context = store.as_context_mut();
        let last = context.inner_mut().instances.len() - 1;
        // SAFETY: just made.
        let vm = unsafe { context.inner_mut().instances.get(last).as_ref().vm() };
        Self(store, vm)
    }

    fn mixed() -> Self {
        let mut guest = Self::new(MODULE);
        for n in 0..2 {
            guest.bytes(n).iter_mut().enumerate().for_each(|(i, byte)| *byte = mixed(i + n as usize) as u8);
            // Nobody follows these references.
            guest.elements(n).iter_mut().enumerate().for_each(|(i, x)| *x = mixed(i + n as usize));
        }
        guest
    }

    fn bytes(&mut self, memory: u32) -> &mut [u8] {
        // SAFETY: a memory of the store, which is borrowed.
        unsafe { &mut (*(*self.1).instance).memory(memory).as_mut().bytes_mut()[..LEN as usize] }
    }

    fn elements(&mut self, table: u32) -> &mut [u64] {
        // SAFETY: as above.
        unsafe { (*(*self.1).instance).table(table).as_mut().elements_mut() }
    }

    fn interrupt(&self) {
        self.0.interrupt_handle().interrupt();
    }

    /// # Safety
    /// The module has what the operation names.
    unsafe fn run(&mut self, op: Op, extent: &mut Extent) -> Result<(), Error> {
        let (vm, mut context) = (self.1, self.0.as_context_mut());
        let inner = context.inner_mut();
        // SAFETY: the context is of this store, and the caller keeps the contract.
        unsafe {
            match op {
                Op::MemoryCopy(to, from) => inner.memory_copy(vm, to, from, extent),
                Op::MemoryFill => inner.memory_fill(vm, 0, 0xab, extent),
                Op::MemoryInit(data) => inner.memory_init(vm, 0, data, extent),
                Op::TableCopy(to, from) => inner.table_copy(vm, to, from, extent),
                Op::TableFill(value) => inner.table_fill(vm, 0, value, extent),
                Op::TableInit(elem) => inner.table_init(vm, 0, elem, extent),
            }
        }
    }

    /// Whether it is done, rather than out of bounds.
    fn is_done(&mut self, op: Op, dst: u64, src: u64, n: u64) -> bool {
        // SAFETY: every test has what it names.
        match unsafe { self.run(op, &mut Extent { dst, src, n }) } {
            Ok(()) => true,
            Err(error) => {
                let is_memory = matches!(op, Op::MemoryCopy(..) | Op::MemoryFill | Op::MemoryInit(_));
                let trap = if is_memory { Trap::MemoryOutOfBounds } else { Trap::TableOutOfBounds };
                assert_eq!(error.trap(), Some(trap));
                false
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Op {
    MemoryCopy(u32, u32),
    MemoryFill,
    MemoryInit(u32),
    TableCopy(u32, u32),
    TableFill(u64),
    TableInit(u32),
}

/// From where to where: apart, overlapping by all sorts of distances in both directions, and in place.
fn overlaps() -> impl Iterator<Item = Extent> {
    let distances = [0, 1, 7, 64, PIECE - 1, PIECE, PIECE + 1];
    let sizes = [0, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 3];
    sizes.into_iter().flat_map(move |n| {
        let there = distances.into_iter().map(move |by| Extent { dst: 3 + by, src: 3, n });
        let back = distances.into_iter().map(move |by| Extent { dst: 3, src: 3 + by, n });
        there.chain(back).filter(move |extent| extent.dst.max(extent.src) + n <= LEN)
    })
}

/// Copies in pieces are like copies at once, whether they are interrupted between pieces or not. How often they were.
fn copies(op: fn(u32, u32) -> Op, interrupts: bool) -> u32 {
    let mut guest = Guest::mixed();
    let mut times = 0;
    for (extent, other) in overlaps().flat_map(|extent| [(extent, 0), (extent, 1)]) {
        let Extent { dst, src, n } = extent;
        let (op, mut left) = (op(0, other), extent);
        let (all, at) = (src as usize..(src + n) as usize, dst as usize);
        let (mut bytes, mut elements) = (Vec::new(), Vec::new());
        match op {
            Op::MemoryCopy(..) => {
                let from = guest.bytes(other)[all].to_vec();
                bytes = guest.bytes(0).to_vec();
                bytes[at..][..n as usize].copy_from_slice(&from);
            }
            _ => {
                let from = guest.elements(other)[all].to_vec();
                elements = guest.elements(0).to_vec();
                elements[at..][..n as usize].copy_from_slice(&from);
            }
        }
        if interrupts {
            guest.interrupt();
        }
        // SAFETY: both memories and tables are there.
        while let Err(error) = unsafe { guest.run(op, &mut left) } {
            assert_eq!(error.trap(), Some(Trap::Interrupt));
            times += 1;
            assert_eq!((extent.n - left.n) % PIECE, 0);
            guest.interrupt();
        }
        assert_eq!(left.n, 0);
        assert!(bytes.is_empty() || guest.bytes(0) == bytes, "{op:?} {extent:?}");
        assert!(elements.is_empty() || guest.elements(0) == elements, "{op:?} {extent:?}");
    }
    times
}

#[test]
fn copies_in_pieces_are_like_copies() {
    assert_eq!(copies(Op::MemoryCopy, false), 0);
    assert_eq!(copies(Op::TableCopy, false), 0);
}

#[test]
fn interrupted_copies_go_on_where_they_were() {
    // Of 14 each: one more than a piece and two pieces are interrupted once, three more twice.
    assert_eq!(copies(Op::MemoryCopy, true), 2 * 14 * (1 + 1 + 2));
    assert_eq!(copies(Op::TableCopy, true), 2 * 14 * (1 + 1 + 2));
}

/// Each operation that isn't a copy, with the flag set: what it works on then has a piece less, and only that piece is
/// done.
#[test]
fn every_operation_is_interrupted_after_each_piece() {
    let n = 2 * PIECE + 5;
    let ones = "\\01".repeat(n as usize);
    let nulls = "(ref.null func)".repeat(n as usize);
    let funcs = "$f ".repeat(n as usize);
    let text = format!(
        "(module (memory 1) (table 12305 funcref) (func $f)
            (data \"{ones}\") (elem funcref {nulls}) (elem func {funcs}))"
    );
    for op in [Op::MemoryFill, Op::MemoryInit(0), Op::TableFill(1), Op::TableInit(0), Op::TableInit(1)] {
        let mut guest = Guest::new(&text);
        guest.bytes(0).fill(7);
        guest.elements(0).fill(7);
        let mut extent = Extent { dst: 10, src: 0, n };
        let mut done = 0;
        loop {
            guest.interrupt();
            // SAFETY: the module has what is named.
            let result = unsafe { guest.run(op, &mut extent) };
            done += if result.is_ok() { 5 } else { PIECE };
            let changed = match op {
                Op::MemoryFill | Op::MemoryInit(_) => {
                    guest.bytes(0).iter().map(|byte| *byte != 7).collect::<Vec<_>>()
                }
                _ => guest.elements(0).iter().map(|element| *element != 7).collect(),
            };
            let end = 10 + done as usize;
            assert!(changed[10..end].iter().all(|changed| *changed), "{op:?} {done}");
            assert!(!changed[..10].iter().chain(&changed[end..]).any(|changed| *changed), "{op:?} {done}");
            match result {
                Ok(()) => break,
                Err(error) => assert_eq!(error.trap(), Some(Trap::Interrupt), "{op:?}"),
            }
            assert_eq!(extent, Extent { dst: 10 + done, src: done, n: n - done }, "{op:?}");
        }
        assert_eq!(done, n);
        // The flag that was set last is still there.
        let mut context = guest.0.as_context_mut();
        assert!(context.inner_mut().interrupt.take(), "{op:?}");
    }
}

#[test]
fn only_large_operations_look_for_interruptions() {
    let mut guest = Guest::new(MODULE);
    guest.interrupt();
    for op in [Op::MemoryFill, Op::MemoryCopy(0, 1), Op::TableFill(0), Op::TableCopy(0, 1)] {
        let mut run = |n| {
            // SAFETY: the module has what is named.
            unsafe { guest.run(op, &mut Extent { dst: 0, src: 0, n }) }
        };
        run(0).unwrap();
        run(PIECE).unwrap();
        assert_eq!(run(PIECE + 1).unwrap_err().trap(), Some(Trap::Interrupt), "{op:?}");
        // That has answered it.
        run(PIECE + 1).unwrap();
        guest.interrupt();
    }
}

#[test]
fn what_is_out_of_bounds_does_nothing() {
    let mut guest = Guest::mixed();
    let (bytes, elements) = (65536, LEN);
    let before = guest.bytes(0).to_vec();
    let table = guest.elements(0).to_vec();
    for (op, len) in
        [(Op::MemoryCopy as fn(u32, u32) -> Op, bytes), (Op::TableCopy as fn(u32, u32) -> Op, elements)]
    {
        for other in [0, 1] {
            let op = op(0, other);
            for (dst, src, n) in [
                (len, 0, 1),
                (0, len - 1, 2),
                (0, len, 1),
                (u64::MAX, 0, 2),
                (len + 1, 0, 0),
                (0, len + 1, 0),
            ] {
                assert!(!guest.is_done(op, dst, src, n), "{op:?} {dst} {src} {n}");
            }
            assert!(guest.is_done(op, len, len, 0) && guest.is_done(op, 0, 0, 3));
        }
    }
    for (op, len) in [(Op::MemoryFill, bytes), (Op::TableFill(1), elements)] {
        assert!(!guest.is_done(op, len, 0, 1) && !guest.is_done(op, len + 1, 0, 0));
        assert!(!guest.is_done(op, 1, 0, len) && guest.is_done(op, len, 0, 0));
    }
    // Three bytes and elements came from the other memory and table.
    assert!(guest.bytes(0)[3..] == before[3..] && guest.elements(0)[3..] == table[3..]);
}

#[test]
fn segments_can_be_dropped() {
    let mut guest = Guest::new(MODULE);
    let end = 65536;
    assert!(guest.is_done(Op::MemoryInit(0), end - 2, 1, 2));
    assert!(!guest.is_done(Op::MemoryInit(0), 0, 2, 2));
    assert!(!guest.is_done(Op::MemoryInit(0), end - 1, 0, 2));
    // SAFETY: the module has the segment.
    unsafe { guest.0.as_context_mut().inner_mut().data_drop(guest.1, 0) };
    assert!(guest.is_done(Op::MemoryInit(0), end, 0, 0));
    assert!(!guest.is_done(Op::MemoryInit(0), 0, 0, 1));

    assert!(guest.is_done(Op::TableInit(1), 1, 0, 2));
    // SAFETY: as above.
    unsafe { guest.0.as_context_mut().inner_mut().elem_drop(guest.1, 1) };
    assert!(!guest.is_done(Op::TableInit(1), 0, 0, 1));
    assert!(guest.is_done(Op::TableInit(1), LEN, 0, 0));
    assert!(guest.is_done(Op::TableInit(0), 3, 1, 1));
    assert!(!guest.is_done(Op::TableInit(0), 3, 0, 3));
    let set: Vec<bool> = guest.elements(0)[..5].iter().map(|element| *element != 0).collect();
    assert_eq!(set, [false, false, true, true, false]);
    // SAFETY: the memory is there.
    let bytes = unsafe { (*(*guest.1).instance).memory(0).as_mut().bytes_mut() };
    assert_eq!(bytes[end as usize - 2..], *b"bc");
}
