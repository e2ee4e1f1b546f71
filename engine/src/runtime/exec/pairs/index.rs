//! The index of the pairs. It is computed while the engine is compiled: at run time, every short program would pay for it.

use super::super::control::unreachable;
use super::super::regs::{Handler, Tail};
use super::Pair;
use crate::ops::{OPS, Op};

/// Lists of pairs, as the macros make them.
pub(super) type Lists = [&'static [&'static [Option<Pair>]]];

/// The pairs by their first op, then their second. There is room for `N`.
pub(super) struct Index<const N: usize> {
    /// Where the pairs of each first op begin.
    first: [u16; OPS + 1],
    seconds: [u16; N],
    handlers: [Handler<Tail>; N],
}

/// How many pairs the lists have. Some may occur several times.
pub(super) const fn count(lists: &Lists) -> usize {
    let (mut count, mut list) = (0, 0);
    while list < lists.len() {
        let mut row = 0;
        while row < lists[list].len() {
            let mut at = 0;
            while at < lists[list][row].len() {
                count += lists[list][row][at].is_some() as usize;
                at += 1;
            }
            row += 1;
        }
        list += 1;
    }
    count
}

/// The lists' `N` pairs, as one list.
const fn flat<const N: usize>(lists: &Lists) -> [Pair; N] {
    let mut all: [Pair; N] = [(Op(0), Op(0), unreachable::<Tail>); N];
    let (mut count, mut list) = (0, 0);
    while list < lists.len() {
        let mut row = 0;
        while row < lists[list].len() {
            let mut at = 0;
            while at < lists[list][row].len() {
                if let Some(pair) = lists[list][row][at] {
                    all[count] = pair;
                    count += 1;
                }
                at += 1;
            }
            row += 1;
        }
        list += 1;
    }
    assert!(count == N);
    all
}

impl<const N: usize> Index<N> {
    /// Indexes the lists, which have `N` pairs. Of several entries for the same ops, the first is used.
    pub(super) const fn of(lists: &Lists) -> Self {
        let all: [Pair; N] = flat(lists);
        let mut first = [0; OPS + 1];
        let mut at = 0;
        while at < N {
            first[all[at].0.0 as usize + 1] += 1;
            at += 1;
        }
        let mut op = 0;
        while op < OPS {
            first[op + 1] += first[op];
            op += 1;
        }
        let mut index = Self { first, seconds: [0; N], handlers: [unreachable::<Tail>; N] };
        let mut ends = first;
        at = 0;
        while at < N {
            let (Op(a), Op(b), handler) = all[at];
            let (begin, end) = (first[a as usize] as usize, ends[a as usize] as usize);
            if index.insert(begin, end, b, handler) {
                ends[a as usize] += 1;
            }
            at += 1;
        }
        index.close_gaps(&ends);
        index
    }

    /// Inserts a pair into the sorted row `begin..end`, unless it is there.
    const fn insert(&mut self, begin: usize, end: usize, second: u16, handler: Handler<Tail>) -> bool {
        let mut place = end;
        while place > begin && self.seconds[place - 1] > second {
            place -= 1;
        }
        if place > begin && self.seconds[place - 1] == second {
            return false;
        }
        let mut at = end;
        while at > place {
            self.seconds[at] = self.seconds[at - 1];
            self.handlers[at] = self.handlers[at - 1];
            at -= 1;
        }
        self.seconds[place] = second;
        self.handlers[place] = handler;
        true
    }

    /// Moves the rows together, which end at `ends`.
    const fn close_gaps(&mut self, ends: &[u16; OPS + 1]) {
        let (mut filled, mut op) = (0, 0);
        while op < OPS {
            let (mut from, end) = (self.first[op] as usize, ends[op] as usize);
            self.first[op] = filled as u16;
            while from < end {
                self.seconds[filled] = self.seconds[from];
                self.handlers[filled] = self.handlers[from];
                filled += 1;
                from += 1;
            }
            op += 1;
        }
        self.first[OPS] = filled as u16;
    }

    fn row(&self, first: Op) -> core::ops::Range<usize> {
        self.first[first.0 as usize] as usize..self.first[first.0 as usize + 1] as usize
    }

    /// The handler of a pair.
    // Linking asks for every cell.
    #[inline(always)]
    pub(super) fn get(&self, first: Op, second: Op) -> Option<Handler<Tail>> {
        let row = self.row(first);
        let found = self.seconds[row.clone()].binary_search(&second.0).ok()?;
        Some(self.handlers[row.start + found])
    }

    /// Whether any pair begins with this op.
    pub(super) fn has_first(&self, first: Op) -> bool {
        !self.row(first).is_empty()
    }

    /// Every pair once.
    pub(super) fn all(&'static self) -> impl Iterator<Item = Pair> {
        let row = move |a| self.row(Op(a)).map(move |at| (Op(a), Op(self.seconds[at]), self.handlers[at]));
        (0..OPS as u16).flat_map(row)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{INDEX, LISTS};
    use super::*;

    /// Against the lists themselves, searched from the beginning.
    #[test]
    fn the_index_has_the_first_of_each_pair_listed() {
        let listed = flat::<{ count(LISTS) }>(LISTS);
        let is = |op, other| move |pair: &&Pair| (pair.0, pair.1) == (op, other);
        let mut distinct = 0;
        for (at, pair) in listed.iter().enumerate() {
            let found = INDEX.get(pair.0, pair.1).unwrap();
            let first = listed.iter().find(is(pair.0, pair.1)).unwrap();
            assert!(core::ptr::fn_addr_eq(found, first.2));
            assert!(INDEX.has_first(pair.0));
            distinct += usize::from(!listed[..at].iter().any(|before| is(pair.0, pair.1)(&before)));
        }
        assert_eq!(INDEX.all().count(), distinct);
        assert!(INDEX.all().is_sorted_by_key(|(first, second, _)| (first.0, second.0)));
    }

    #[test]
    fn what_is_not_listed_is_not_found() {
        let listed = flat::<{ count(LISTS) }>(LISTS);
        for first in (0..OPS as u16).map(Op) {
            assert_eq!(INDEX.has_first(first), listed.iter().any(|pair| pair.0 == first));
            let last = Op(OPS as u16 - 1);
            assert_eq!(
                INDEX.get(first, last).is_some(),
                listed.iter().any(|pair| (pair.0, pair.1) == (first, last))
            );
        }
    }
}
