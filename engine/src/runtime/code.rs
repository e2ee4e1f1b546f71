//! Translated code: the module's code cache, lookup by address, and eviction. `make` has what it is filled by.
//!
//! Code is a sequence of 64-bit words: a [`Prologue`] of two, then cells. The translator writes the op's number into a
//! cell's first word; *linking* replaces it by the handler's address (direct threading).

mod make;
mod sort;

use crate::memory::{Budget, Buf, Charge, Kind, sort_by_key};
use crate::module::ModuleInner;
use crate::ops::SpecialOp;
use crate::ops::cells::{LAZY, is_lazy};
use crate::ops::handlers::{self, Clause};
use crate::runtime::error::Error;
use crate::runtime::exec::Dispatch;
use crate::runtime::loaded::ModuleShared;
use core::ops::Deref;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard};

/// A module's code cache: the entry table, and the code that its entries point to.
pub(crate) struct CodeTable {
    entries: Entries,
    made: Mutex<CodeCache>,
    /// Whether the instance has been made, if the module was loaded for only one.
    pub(crate) instantiated: AtomicBool,
    /// What dropped words are overwritten with.
    poison: u64,
    /// The budget of code and of the memory for making it: see ARCHITECTURE.md, *the budget*.
    pub(crate) cache: Budget,
}

/// The entry of each function that a module defines.
pub(crate) struct Entries {
    words: Box<[AtomicPtr<u64>]>,
    _charge: Charge,
}

impl Entries {
    /// An entry table in which no function has code.
    pub(crate) fn lazy(data: &ModuleInner) -> Result<Self, Error> {
        let n = data.funcs.len() - data.imported_funcs as usize;
        let mut words = Buf::with_capacity(&data.budget, Kind::Metadata, n)?;
        for _ in 0..n {
            words.try_push(AtomicPtr::new(LAZY.as_ptr().cast_mut()))?;
        }
        let (words, charge) = words.into_boxed()?;
        Ok(Self { words, _charge: charge })
    }
}

impl Deref for Entries {
    type Target = [AtomicPtr<u64>];

    fn deref(&self) -> &[AtomicPtr<u64>] {
        &self.words
    }
}

/// The code in the cache.
struct CodeCache {
    codes: Buf<Code>,
    /// How many instances of the module there are. It changes under the lock, so that no new instance can begin to
    /// execute code that is being dropped.
    instances: usize,
    /// How many of `codes`, from the first, are sorted by address. What was made since then is behind them.
    sorted: usize,
    /// How many of `codes` aren't linked.
    unlinked: usize,
    /// A clock: advanced when code is made or linked again.
    now: u64,
    /// How many functions' code was dropped.
    dropped: u64,
}

impl CodeCache {
    /// The code that the cell at `ip` belongs to, and the cell's word in it.
    fn find(&mut self, ip: *const u64) -> Option<(&mut Code, usize)> {
        if self.codes.len() - self.sorted > MOST_UNSORTED {
            sort::sort_rest(&mut self.codes, self.sorted, Code::start);
            self.sorted = self.codes.len();
        }
        let (sorted, rest) = self.codes.split_at_mut(self.sorted);
        let code = match rest.iter_mut().find(|code| code.words.as_ptr_range().contains(&ip)) {
            Some(code) => code,
            None => {
                let after = sorted.partition_point(|code| code.start() <= ip);
                &mut sorted[after.checked_sub(1)?]
            }
        };
        let words = code.words.as_ptr_range();
        words.contains(&ip).then(|| (code, (ip as usize - words.start as usize) / 8))
    }
}

/// How many codes are looked through one by one. Samples look for code all the time while a program starts and code is
/// made: sorting all of it each time was a twentieth of what a compiler in WebAssembly took.
const MOST_UNSORTED: usize = 32;

struct Code {
    index: u32,
    /// Whether it is a native entry: a single cell that enters compiled code. It isn't evicted.
    native: bool,
    /// Whether the function's entry points here. If not, the next call links it again; until then it is the first to be
    /// evicted.
    linked: bool,
    /// Whether a frame is in it. Only up to date while code is being evicted.
    in_use: bool,
    /// The clock when it was made, or linked again.
    since: u64,
    /// Cells, then the function's handler table.
    words: Box<[u64]>,
    /// Where the table begins.
    table: u32,
    charge: Charge,
}

impl Code {
    fn start(&self) -> *const u64 {
        self.words.as_ptr()
    }
}

/// A function's code that is about to be kept.
pub(crate) struct Made {
    pub(crate) words: Box<[u64]>,
    pub(crate) table: u32,
    pub(crate) charge: Charge,
}

/// What a piece of code is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// The function's entry leads to it.
    Entry,
    /// The same, and it is a native entry.
    Native,
    /// The function's entry leads elsewhere: to compiled code.
    Beside,
}

/// What becomes of native entries that are unlinked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// They are freed: nothing is executing one.
    Dropped,
    /// They are kept, because something may be executing one: as long as the module, or until a later call frees them.
    Kept,
}

/// What eviction has to know of the store whose execution asks for room.
pub(crate) trait Executing {
    /// How many instances of a module are in this store.
    fn instances(&self, module: &ModuleShared) -> usize;
    /// Calls [`CodeTable::find`], with `mark`, for the position of every frame.
    fn mark_frames(&self);
}

/// For translation ahead of any call, which must evict nothing.
pub(crate) struct Nobody;

impl Executing for Nobody {
    fn instances(&self, _: &ModuleShared) -> usize {
        usize::MAX
    }

    fn mark_frames(&self) {}
}

/// When the cache is full, one part in so many of it is freed at once, so that not every function evicts anew.
const DROPPED_PART: u64 = 8;

impl CodeTable {
    /// `cache` is the budget of the code.
    pub(crate) fn new(entries: Entries, cache: Budget, dispatch: Dispatch) -> Self {
        let codes = Buf::new(&cache, Kind::Cells);
        let made = CodeCache { codes, instances: 0, sorted: 0, unlinked: 0, now: 0, dropped: 0 };
        let poison = dispatch.handler(SpecialOp::Dropped.op());
        Self { entries, made: Mutex::new(made), instantiated: AtomicBool::new(false), poison, cache }
    }

    pub(crate) fn entries(&self) -> *const AtomicPtr<u64> {
        self.entries.as_ptr()
    }

    /// Whether a function's entry leads to code. It does for every function that has been called recently.
    pub(crate) fn has_entry(&self, index: u32) -> bool {
        self.entries.get(index as usize).is_some_and(|entry| !is_lazy(entry.load(Ordering::Relaxed)))
    }

    /// The function (of those that the module defines) that the cell at `ip` belongs to, and the cell's word in its
    /// code. With `mark`, marks the code as in use.
    pub(crate) fn find(&self, ip: *const u64, mark: bool) -> Option<(u32, usize)> {
        let mut made = self.made();
        let (code, word) = made.find(ip)?;
        code.in_use |= mark;
        Some((code.index, word))
    }

    /// Whether the cell at `ip` is a native entry.
    #[cfg(feature = "snapshot")]
    pub(crate) fn is_native(&self, ip: *const u64) -> bool {
        self.made().find(ip).is_some_and(|(code, _)| code.native)
    }

    /// The clause of a function's handler table that catches what is thrown at `ip`, of a block that is at most `deepest`
    /// deep, with the address of the first word of its code.
    pub(crate) fn handler(
        &self,
        ip: *const u64,
        deepest: u32,
        is_tag: impl FnMut(u32) -> bool,
    ) -> Option<(Clause, *const u64)> {
        let mut made = self.made();
        let (code, word) = made.find(ip)?;
        let clause = handlers::find(&code.words[code.table as usize..], word as u32, deepest, is_tag)?;
        Some((clause, code.words.as_ptr()))
    }

    pub(crate) fn add_instance(&self) {
        self.made().instances += 1;
    }

    pub(crate) fn remove_instance(&self) {
        self.made().instances -= 1;
    }

    /// How many functions have cells, and the bytes of those.
    pub(crate) fn translated(&self) -> (usize, u64) {
        let made = self.made();
        let cells = made.codes.iter().filter(|code| !code.native);
        (cells.clone().count(), cells.map(|code| code.words.len() as u64 * 8).sum())
    }

    /// How often a function's code was evicted to make room.
    pub(crate) fn dropped(&self) -> u64 {
        self.made().dropped
    }

    fn made(&self) -> MutexGuard<'_, CodeCache> {
        self.made.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn link(&self, index: u32, entry: *const u64) {
        self.entries[index as usize].store(entry.cast_mut(), Ordering::Release);
    }

    /// Has the function's entry lead to the cold path, unless it leads to other code already: to a native entry.
    fn unlink(&self, code: &Code) {
        if core::ptr::eq(self.entries[code.index as usize].load(Ordering::Relaxed), code.words.as_ptr()) {
            self.link(code.index, LAZY.as_ptr());
        }
    }

    /// Has the function's entry lead to `words`, a native entry.
    pub(crate) fn enter_native(
        &self,
        index: u32,
        (words, charge): (Box<[u64]>, Charge),
    ) -> Result<(), Error> {
        let table = words.len() as u32;
        self.keep(&mut self.made(), index, Made { words, table, charge }, Use::Native).map(drop)
    }

    /// Unlinks all native entries, and frees or keeps them.
    pub(crate) fn leave_natives(&self, ways: Left) {
        let mut made = self.made();
        sort_by_key(&mut made.codes, |code| !code.native);
        made.sorted = 0;
        let natives = made.codes.iter().take_while(|code| code.native).count();
        for code in made.codes.iter().take(natives) {
            self.unlink(code);
        }
        if ways == Left::Dropped {
            self.discard(&mut made, natives);
        }
        // The next call links the cells that are left.
        made.codes.iter_mut().filter(|code| !code.native).for_each(|code| {
            let entry = self.entries[code.index as usize].load(Ordering::Relaxed);
            code.linked = core::ptr::eq(entry, code.words.as_ptr());
        });
        made.unlinked = made.codes.iter().filter(|code| !code.linked).count();
    }

    /// Drops the first codes of the list, to which no entry leads. Whoever is still in one comes to a cell that says so, unless
    /// that memory is in use again.
    fn discard(&self, made: &mut CodeCache, count: usize) {
        for code in made.codes.iter_mut().take(count) {
            let entry = self.entries[code.index as usize].load(Ordering::Relaxed);
            assert!(!core::ptr::eq(entry, code.words.as_ptr()), "code is dropped that a call leads to");
            code.words.fill(self.poison);
            // What nobody seems to read would not be written.
            core::hint::black_box(&mut code.words);
        }
        made.codes.drop_first(count);
    }

    /// How many instances of the module there are.
    pub(crate) fn instances(&self) -> usize {
        self.made().instances
    }

    /// The code of a function, if there is some: linked again if it was unlinked.
    fn present(&self, made: &mut CodeCache, index: u32) -> Option<*const u64> {
        let entry = self.entries[index as usize].load(Ordering::Acquire).cast_const();
        if !is_lazy(entry) {
            return Some(entry);
        }
        if made.unlinked == 0 {
            return None;
        }
        let code = made.codes.iter_mut().find(|code| code.index == index && !code.linked)?;
        made.now += 1;
        made.unlinked -= 1;
        (code.linked, code.since) = (true, made.now);
        self.link(index, code.words.as_ptr());
        Some(code.words.as_ptr())
    }

    fn keep(
        &self,
        made: &mut CodeCache,
        index: u32,
        Made { words, table, charge }: Made,
        use_for: Use,
    ) -> Result<*const u64, Error> {
        if made.codes.try_reserve(1).is_err() {
            // The list is charged to the budget that the code is charged to.
            let room = made.codes.len() + made.codes.len() / 2 + 1;
            let mut larger = Buf::with_capacity(charge.budget(), Kind::Cells, room)?;
            while let Some(code) = made.codes.pop() {
                larger.try_push(code)?;
            }
            larger.reverse();
            made.codes = larger;
        }
        made.now += 1;
        let start = words.as_ptr();
        let since = made.now;
        let (native, linked) = (use_for == Use::Native, use_for != Use::Beside);
        made.codes.try_push(Code { index, native, linked, in_use: false, since, words, table, charge })?;
        if linked {
            self.link(index, start);
        } else {
            made.unlinked += 1;
        }
        Ok(start)
    }

    /// Evicts approximately the least recently called code, without counting calls (a second-chance scheme): each time,
    /// more code is unlinked than freed, and what no call has linked again by the next time is freed first. Code that a
    /// frame is in stays. Returns whether anything was freed.
    fn drop_cold(&self, made: &mut CodeCache) -> bool {
        let wanted = self.cache.limit().unwrap_or(0) / DROPPED_PART;
        sort_by_key(&mut made.codes, |code| (code.in_use || code.native, code.linked, code.since));
        made.sorted = 0;
        let (mut count, mut bytes) = (0, 0);
        for code in made.codes.iter().take_while(|code| !code.in_use && !code.native) {
            if bytes > wanted {
                break;
            }
            (count, bytes) = (count + 1, bytes + code.charge.bytes());
            self.unlink(code);
        }
        self.discard(made, count);
        made.dropped += count as u64;
        let mut unlinked = 0;
        for code in made.codes.iter_mut().filter(|code| !code.in_use && !code.native) {
            if unlinked > 2 * wanted {
                break;
            }
            unlinked += code.charge.bytes();
            self.unlink(code);
            code.linked = false;
        }
        made.unlinked = made.codes.iter().filter(|code| !code.linked).count();
        count > 0
    }
}

impl ModuleShared {
    /// Frees a part of a full cache. Returns whether it did.
    fn make_room(&self, executing: &dyn Executing) -> bool {
        if self.code.cache.limit().is_none() {
            return false;
        }
        self.code.made().codes.iter_mut().for_each(|code| code.in_use = false);
        executing.mark_frames();
        let mut made = self.code.made();
        // Frames of other stores can't be walked: they may be running.
        made.instances == executing.instances(self) && self.code.drop_cold(&mut made)
    }
}

#[cfg(test)]
mod tests;
