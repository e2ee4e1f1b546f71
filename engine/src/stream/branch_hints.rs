//! The section `metadata.code.branch_hint`, parsed byte by byte as it passes.
//!
//! It is advice. What is malformed, or longer than what is kept, has all of it ignored, and so has a section for which there
//! is no room. Hints for instructions that aren't branches are never looked for.

use super::framing::Leb;
use crate::memory::{Budget, Buf, Kind};
use crate::module::BranchHint;

/// The most hints that are kept.
const MOST: usize = 1 << 20;

pub(super) struct BranchHints {
    state: State,
    /// The bytes of a number that has only begun.
    leb: [u8; 5],
    leb_len: usize,
    hints: Buf<BranchHint>,
}

/// What comes next.
#[derive(Clone, Copy)]
enum State {
    /// No section has begun.
    Before,
    FuncCount,
    Func {
        funcs: u32,
    },
    HintCount {
        funcs: u32,
        func: u32,
    },
    Offset {
        funcs: u32,
        func: u32,
        hints: u32,
    },
    /// The size of a hint, which is 1.
    Size {
        funcs: u32,
        func: u32,
        hints: u32,
        offset: u32,
    },
    Value {
        funcs: u32,
        func: u32,
        hints: u32,
        offset: u32,
    },
    /// Nothing more is allowed to come.
    Over,
    /// It was malformed, or too long.
    Refused,
}

impl BranchHints {
    pub(super) fn new(budget: &Budget) -> Self {
        Self { state: State::Before, leb: [0; 5], leb_len: 0, hints: Buf::new(budget, Kind::Metadata) }
    }

    /// A section begins. Gives false, and does nothing, for a second one.
    pub(super) fn begin(&mut self) -> bool {
        let first = matches!(self.state, State::Before);
        if first {
            self.state = State::FuncCount;
        }
        first
    }

    /// Takes the next bytes of the section.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if let State::Refused = self.state {
                return;
            }
            if self.take(*byte).is_none() {
                self.hints.discard();
                self.state = State::Refused;
            }
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        self.leb[self.leb_len] = byte;
        self.leb_len += 1;
        let number = match Leb::read(&self.leb[..self.leb_len]) {
            Leb::Done(number, _) => number,
            Leb::More => return Some(()),
            Leb::Invalid(..) => return None,
        };
        self.leb_len = 0;
        let next_func = |funcs| if funcs == 0 { State::Over } else { State::Func { funcs } };
        self.state = match self.state {
            State::FuncCount => next_func(number),
            State::Func { funcs } => {
                let last = self.hints.last().map(|last| last.func);
                last.is_none_or(|last| number > last).then_some(())?;
                State::HintCount { funcs: funcs - 1, func: number }
            }
            State::HintCount { funcs, .. } if number == 0 => next_func(funcs),
            State::HintCount { funcs, func } => State::Offset { funcs, func, hints: number },
            State::Offset { funcs, func, hints } => {
                let last = self.hints.last().filter(|last| last.func == func).map(|last| last.offset);
                last.is_none_or(|last| number > last).then_some(())?;
                State::Size { funcs, func, hints: hints - 1, offset: number }
            }
            State::Size { funcs, func, hints, offset } if number == 1 => {
                State::Value { funcs, func, hints, offset }
            }
            State::Value { funcs, func, hints, offset } if number < 2 && self.hints.len() < MOST => {
                self.hints.try_push(BranchHint { func, offset, likely: number == 1 }).ok()?;
                if hints == 0 { next_func(funcs) } else { State::Offset { funcs, func, hints } }
            }
            _ => return None,
        };
        Some(())
    }

    /// The hints, sorted by function and offset; none if the section isn't as it should be.
    pub(super) fn finish(mut self) -> Buf<BranchHint> {
        if !matches!(self.state, State::Before | State::Over) {
            self.hints.discard();
        }
        self.hints
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn hints(parts: &[&[u8]]) -> Vec<(u32, u32, bool)> {
        let mut section = BranchHints::new(&Budget::unlimited());
        assert!(section.begin() && !section.begin());
        parts.iter().for_each(|part| section.feed(part));
        section.finish().iter().map(|hint| (hint.func, hint.offset, hint.likely)).collect()
    }

    const GOOD: &[u8] = &[2, 1, 2, 5, 1, 0, 0x89, 1, 1, 1, 0x80, 1, 1, 7, 1, 1];

    #[test]
    fn hints_are_read_however_they_are_cut() {
        let expected = [(1, 5, false), (1, 137, true), (128, 7, true)];
        for at in 0..=GOOD.len() {
            assert_eq!(hints(&[&GOOD[..at], &GOOD[at..]]), expected);
        }
        assert_eq!(hints(&[&[1, 3, 0]]), []);
        assert!(BranchHints::new(&Budget::unlimited()).finish().is_empty());
    }

    #[test]
    fn a_section_that_is_wrong_is_ignored() {
        for end in 0..GOOD.len() {
            assert_eq!(hints(&[&GOOD[..end]]), [], "{end}");
        }
        assert_eq!(hints(&[GOOD, &[0]]), []);
        let changed = |at: usize, byte: u8| {
            let mut bytes = GOOD.to_vec();
            bytes[at] = byte;
            hints(&[&bytes])
        };
        for (at, byte, what) in [
            (4, 2, "a hint of two bytes"),
            (5, 2, "a hint that is neither"),
            (7, 0x80, "a number that goes on too long"),
            (10, 0x81, "another function"),
            (0, 3, "more functions than there are"),
        ] {
            let expected: &[(u32, u32, bool)] =
                if at == 10 { &[(1, 5, false), (1, 137, true), (129, 7, true)] } else { &[] };
            assert_eq!(changed(at, byte), expected, "{what}");
        }
        // Functions, or offsets, out of order.
        assert_eq!(hints(&[&[2, 3, 1, 5, 1, 0, 2, 1, 5, 1, 0]]), []);
        assert_eq!(hints(&[&[1, 3, 2, 5, 1, 0, 5, 1, 0]]), []);
    }
}
