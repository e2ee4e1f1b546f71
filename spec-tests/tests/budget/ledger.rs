//! A global allocator that counts, compares with a budget at every allocation, and can refuse.
//!
//! Everything is by thread, so that tests don't disturb each other. What is compared are the bytes that were asked for:
//! what the allocator adds for itself is in the measurements of whole processes.

use dunlin::{Budget, Kind, testing};
use std::alloc::{GlobalAlloc, Layout, System};
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};

pub(crate) struct Ledger;

#[global_allocator]
static LEDGER: Ledger = Ledger;

#[derive(Clone, Copy)]
struct State {
    /// What is watched, if something is.
    budget: *const Budget,
    /// Bytes on the heap, counted from when watching began.
    held: i64,
    /// The most that `held` ever was beyond what the budget had been charged.
    beyond: i64,
    /// The most that was held.
    most: i64,
    /// How many allocations of Dunlin's own there were.
    own: u64,
    /// Which of them are refused.
    refused: Refused,
    /// How many were.
    refusals: u64,
    /// Where more than this is held beyond the charge, the place is noted.
    tolerated: i64,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Refused {
    None,
    /// Just this one.
    One(u64),
    /// This one and all that follow.
    From(u64),
}

thread_local! {
    static STATE: Cell<State> = const { Cell::new(State {
        budget: std::ptr::null(),
        held: 0,
        beyond: 0,
        most: 0,
        own: 0,
        refused: Refused::None,
        refusals: 0,
        tolerated: i64::MAX,
    }) };
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

/// Takes note of an allocation (and what it replaces); false if it is to be refused.
fn allocate(new: usize, old: usize) -> bool {
    let Ok(mut state) = STATE.try_with(Cell::get) else { return true };
    if state.budget.is_null() || BUSY.get() {
        return true;
    }
    if !testing::in_third_party() {
        state.own += 1;
        let refuse = match state.refused {
            Refused::None => false,
            Refused::One(n) => state.own == n,
            Refused::From(n) => state.own >= n,
        };
        if refuse {
            state.refusals += 1;
            STATE.set(state);
            return false;
        }
    }
    // While it moves, both are held.
    state.held += new as i64;
    state.most = state.most.max(state.held);
    let beyond = state.held - charged(unsafe_budget(state.budget));
    if beyond > state.beyond {
        state.beyond = beyond;
        if beyond > state.tolerated {
            BUSY.set(true);
            let place = Backtrace::force_capture().to_string();
            let own = place.lines().filter(|line| line.contains("dunlin") || line.contains("./"));
            let own: Vec<_> = own.take(24).collect();
            PLACE.with_borrow_mut(|at| *at = Some(format!("{beyond} beyond at {new}:\n{}", own.join("\n"))));
            BUSY.set(false);
        }
    }
    state.held -= old as i64;
    STATE.set(state);
    true
}

fn free(bytes: usize) {
    let _ = STATE.try_with(|cell| {
        let mut state = cell.get();
        if !state.budget.is_null() && !BUSY.get() {
            state.held -= bytes as i64;
            cell.set(state);
        }
    });
}

fn unsafe_budget<'b>(budget: *const Budget) -> &'b Budget {
    // SAFETY: `watch` keeps it alive for as long as it is set.
    unsafe { &*budget }
}

/// What the budget has been charged for on the heap: stacks, memories and machine code are mapped.
fn charged(budget: &Budget) -> i64 {
    let mapped = [Kind::Memory, Kind::Stack, Kind::MachineCode].map(|kind| budget.used_for(kind));
    (budget.used() - mapped.iter().sum::<u64>()) as i64
}

// SAFETY: every call that isn't refused goes on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Ledger {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !allocate(layout.size(), 0) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's promise is that of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        free(layout.size());
        // SAFETY: the caller's promise is that of `System`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !allocate(size, layout.size()) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's promise is that of `System`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// What was seen while something ran.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The most bytes on the heap that nothing had been charged for.
    pub(crate) beyond: i64,
    /// The most bytes on the heap that it took itself.
    pub(crate) most: i64,
    /// What was still held at the end, and by how much more the budget was charged for the heap.
    pub(crate) held: i64,
    pub(crate) charged: i64,
    /// How many allocations of Dunlin's own there were.
    pub(crate) own: u64,
    /// How many of them were refused.
    pub(crate) refusals: u64,
    /// Where more than was tolerated was held.
    pub(crate) place: Option<String>,
}

/// Runs `f` while this thread's heap is compared with `budget`, and allocations are refused as wanted.
///
/// What `f` returns must hold nothing on the heap, or be part of what is counted.
pub(crate) fn watch<R>(
    budget: &Budget,
    refused: Refused,
    tolerated: i64,
    f: impl FnOnce() -> R,
) -> (R, Seen) {
    let before = charged(budget);
    PLACE.set(None);
    STATE.set(State {
        budget,
        held: before,
        beyond: 0,
        most: before,
        own: 0,
        refused,
        refusals: 0,
        tolerated,
    });
    let result = f();
    let state = STATE.get();
    STATE.set(State { budget: std::ptr::null(), ..state });
    let seen = Seen {
        beyond: state.beyond,
        most: state.most - before,
        held: state.held - before,
        charged: charged(budget) - before,
        own: state.own,
        refusals: state.refusals,
        place: PLACE.take(),
    };
    (result, seen)
}
