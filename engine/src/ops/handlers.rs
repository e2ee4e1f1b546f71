//! The format of handler tables: which cells of a function are protected, and where exceptions that leave them go.
//!
//! A function's table follows its cells in memory. Nothing is executed on entering a protected block: the table is looked
//! at when something is thrown.

/// Words of a clause in a table.
pub(crate) const CLAUSE: usize = 3;

/// In [`Clause::reference`]: the exception isn't passed on.
pub(crate) const NO_SLOT: u16 = u16::MAX;

/// What a clause catches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Catches {
    /// Exceptions with the tag in this word of the context.
    Tag(u32),
    All,
    /// All, which go on as if they had been thrown in the block that is so deep, outside of those within it.
    Delegated(u32),
}

/// A catch clause: of the cells from `start` up to `end`, counted in words from the code's first.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Clause {
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// How many blocks are around the one that it belongs to.
    pub(crate) depth: u32,
    pub(crate) catches: Catches,
    /// The cell that goes on.
    pub(crate) target: u32,
    /// The slot for the first of the exception's values.
    pub(crate) slot: u16,
    /// The slot for a reference to the exception, or [`NO_SLOT`].
    pub(crate) reference: u16,
}

const ALL: u32 = u32::MAX;
const DELEGATED: u32 = u32::MAX - 1;

impl Clause {
    pub(crate) fn words(&self) -> [u64; CLAUSE] {
        let (tag, target) = match self.catches {
            Catches::Tag(tag) => (tag, self.target),
            Catches::All => (ALL, self.target),
            Catches::Delegated(depth) => (DELEGATED, depth),
        };
        let pair = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
        let slots = u32::from(self.slot) | u32::from(self.reference) << 16;
        [pair(self.start, self.end), pair(target, slots), pair(tag, self.depth)]
    }

    pub(crate) fn of(words: &[u64]) -> Self {
        let [(start, end), (target, slots), (tag, depth)] =
            [0, 1, 2].map(|n| (words[n] as u32, (words[n] >> 32) as u32));
        let catches = match tag {
            ALL => Catches::All,
            DELEGATED => Catches::Delegated(target),
            tag => Catches::Tag(tag),
        };
        Self { start, end, depth, catches, target, slot: slots as u16, reference: (slots >> 16) as u16 }
    }
}

/// The clauses of a table, the innermost block's first.
pub(crate) fn clauses(table: &[u64]) -> impl Iterator<Item = Clause> {
    table.chunks_exact(CLAUSE).map(Clause::of)
}

/// The clause that catches what is thrown by the cell at word `at`, of a block that is at most `deepest` deep. `is_tag`
/// tells whether the tag in a word of the context is the exception's.
pub(crate) fn find(
    table: &[u64],
    at: u32,
    mut deepest: u32,
    mut is_tag: impl FnMut(u32) -> bool,
) -> Option<Clause> {
    for clause in clauses(table) {
        if !(clause.start..clause.end).contains(&at) || clause.depth > deepest {
            continue;
        }
        match clause.catches {
            Catches::Tag(tag) if !is_tag(tag) => {}
            Catches::Tag(_) | Catches::All => return Some(clause),
            Catches::Delegated(depth) => deepest = depth,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn clause(start: u32, end: u32, depth: u32, catches: Catches, target: u32) -> Clause {
        Clause { start, end, depth, catches, target, slot: 3, reference: NO_SLOT }
    }

    #[test]
    fn a_clause_is_what_was_written() {
        for catches in [Catches::Tag(7), Catches::All] {
            let clause = clause(2, 1 << 31, 65_535, catches, u32::MAX);
            assert_eq!(Clause::of(&clause.words()), clause);
        }
        let delegated = clause(2, 9, 4, Catches::Delegated(3), 3);
        assert_eq!(Clause::of(&delegated.words()), delegated);
    }

    #[test]
    fn the_innermost_clause_catches_and_delegation_skips() {
        let table = [
            clause(4, 6, 3, Catches::Tag(1), 100),
            clause(4, 8, 2, Catches::Delegated(1), 1),
            clause(2, 9, 2, Catches::All, 200),
            clause(2, 10, 1, Catches::Tag(2), 300),
            clause(2, 12, 0, Catches::All, 400),
        ];
        let words: Vec<u64> = table.iter().flat_map(Clause::words).collect();
        let within = |deepest, at, tag| find(&words, at, deepest, |found| found == tag);
        let find = |at, tag| within(u32::MAX, at, tag);
        let target = |at, tag| find(at, tag).map(|clause| clause.target);
        assert_eq!(target(5, 1), Some(100));
        assert_eq!(target(5, 2), Some(300));
        assert_eq!(target(5, 3), Some(400));
        assert_eq!(target(8, 1), Some(200));
        assert_eq!(target(11, 2), Some(400));
        assert_eq!(find(12, 2), None);
        assert_eq!(within(1, 5, 1).map(|clause| clause.target), Some(400));
    }
}
