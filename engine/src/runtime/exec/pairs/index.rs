//! The index of the pairs. It is computed while the engine is compiled: at run time, every short program would pay for it.

use super::super::control::unreachable;
use super::super::regs::{Handler, Tail};
use super::measured::Row;
use super::{Pair, Third};
use crate::ops::{OPS, Op};

/// Lists of pairs, as the macros make them.
pub(super) type Lists = [&'static [&'static [Option<Pair>]]];

/// The pairs by their first op, then their second, and for each the third cells that make a triple of it. There is room
/// for `N` pairs; the triples are `T`; the hash table of pairs has `H` places, a power of two.
pub(super) struct Index<const N: usize, const T: usize, const H: usize> {
    /// Where the pairs of each first op begin.
    first: [u16; OPS + 1],
    seconds: [u16; N],
    handlers: [Handler<Tail>; N],
    /// Where the third cells of each pair end; they begin where those of the pair before end.
    ends: [u16; N],
    thirds: [u16; T],
    threes: [Handler<Tail>; T],
    /// Each pair, in the first free place from where its ops' hash points to; and `EMPTY`.
    places: [u16; H],
}

const EMPTY: u16 = u16::MAX;

/// How many places a hash table for `pairs` pairs has: at least twice as many, so that most lookups look at one or two.
pub(super) const fn places(pairs: usize) -> usize {
    (2 * pairs).next_power_of_two()
}

/// How many pairs the lists and the rows have. Some may occur several times.
pub(super) const fn count(lists: &Lists, rows: &[Row]) -> usize {
    let (mut count, mut list) = (rows.len(), 0);
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

/// How many triples the rows have.
pub(super) const fn count_thirds(rows: &[Row]) -> usize {
    let (mut count, mut row) = (0, 0);
    while row < rows.len() {
        count += rows[row].thirds.len();
        row += 1;
    }
    count
}

/// The `N` pairs of the lists and the rows, as one list.
const fn flat<const N: usize>(lists: &Lists, rows: &[Row]) -> [Pair; N] {
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
    let mut row = 0;
    while row < rows.len() {
        all[count] = rows[row].pair;
        count += 1;
        row += 1;
    }
    assert!(count == N);
    all
}

impl<const N: usize, const T: usize, const H: usize> Index<N, T, H> {
    /// Indexes the lists and the rows, which have `N` pairs and `T` triples. Of several entries for the same ops, the
    /// first is used.
    pub(super) const fn of(lists: &Lists, rows: &[Row]) -> Self {
        let all: [Pair; N] = flat(lists, rows);
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
        let mut index = Self {
            first,
            seconds: [0; N],
            handlers: [unreachable::<Tail>; N],
            ends: [0; N],
            thirds: [0; T],
            threes: [unreachable::<Tail>; T],
            places: [EMPTY; H],
        };
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
        index.hash();
        index.add_thirds(rows);
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

    /// Where the search for a pair begins: the upper bits of a product with 2^32 divided by the golden ratio.
    const fn hash_of(first: Op, second: Op) -> usize {
        let key = (first.0 as u32) << 16 | second.0 as u32;
        (key.wrapping_mul(0x9e37_79b9) >> (u32::BITS - H.trailing_zeros())) as usize
    }

    /// Gives each pair its place, once the pairs are where they stay.
    const fn hash(&mut self) {
        let mut op = 0;
        while op < OPS {
            let mut pair = self.first[op];
            while pair < self.first[op + 1] {
                let mut place = Self::hash_of(Op(op as u16), Op(self.seconds[pair as usize]));
                while self.places[place] != EMPTY {
                    place = (place + 1) % H;
                }
                self.places[place] = pair;
                pair += 1;
            }
            op += 1;
        }
    }

    /// Where the pair of `first` and `second` is, which has been inserted.
    const fn position(&self, first: Op, second: Op) -> usize {
        self.find(first, second).expect("a row's pair is in the index")
    }

    /// Adds the rows' triples, once the pairs are where they stay.
    const fn add_thirds(&mut self, rows: &[Row]) {
        let mut row = 0;
        while row < rows.len() {
            self.ends[self.position(rows[row].pair.0, rows[row].pair.1)] += rows[row].thirds.len() as u16;
            row += 1;
        }
        let mut at = 1;
        while at < N {
            self.ends[at] += self.ends[at - 1];
            at += 1;
        }
        let mut filled = [0; N];
        row = 0;
        while row < rows.len() {
            let pair = self.position(rows[row].pair.0, rows[row].pair.1);
            let begin = if pair == 0 { 0 } else { self.ends[pair - 1] as usize };
            let mut third = 0;
            while third < rows[row].thirds.len() {
                self.insert_third(begin, begin + filled[pair], rows[row].thirds[third]);
                filled[pair] += 1;
                third += 1;
            }
            row += 1;
        }
    }

    /// Inserts a third cell into the sorted ones of a pair, which are `begin..end`.
    const fn insert_third(&mut self, begin: usize, end: usize, (third, handler): Third) {
        let mut at = end;
        while at > begin && self.thirds[at - 1] > third.0 {
            self.thirds[at] = self.thirds[at - 1];
            self.threes[at] = self.threes[at - 1];
            at -= 1;
        }
        assert!(at == begin || self.thirds[at - 1] != third.0, "a triple is listed twice");
        self.thirds[at] = third.0;
        self.threes[at] = handler;
    }

    fn row(&self, first: Op) -> core::ops::Range<usize> {
        self.first[first.0 as usize] as usize..self.first[first.0 as usize + 1] as usize
    }

    /// Where a pair is, if there is one.
    // Linking asks for every cell.
    #[inline(always)]
    pub(super) const fn find(&self, first: Op, second: Op) -> Option<usize> {
        let (begin, end) = (self.first[first.0 as usize], self.first[first.0 as usize + 1]);
        let mut place = Self::hash_of(first, second);
        loop {
            let pair = self.places[place];
            if begin <= pair && pair < end && self.seconds[pair as usize] == second.0 {
                return Some(pair as usize);
            }
            if pair == EMPTY {
                return None;
            }
            place = (place + 1) % H;
        }
    }

    /// The handler of a pair.
    pub(super) fn two(&self, pair: usize) -> Handler<Tail> {
        self.handlers[pair]
    }

    fn thirds(&self, pair: usize) -> core::ops::Range<usize> {
        let begin = pair.checked_sub(1).map_or(0, |before| self.ends[before]);
        begin as usize..self.ends[pair] as usize
    }

    /// Whether any third cell makes a triple of a pair.
    pub(super) fn has_thirds(&self, pair: usize) -> bool {
        !self.thirds(pair).is_empty()
    }

    /// The handler of a pair and a third cell.
    pub(super) fn three(&self, pair: usize, third: Op) -> Option<Handler<Tail>> {
        let thirds = self.thirds(pair);
        let found = self.thirds[thirds.clone()].binary_search(&third.0).ok()?;
        Some(self.threes[thirds.start + found])
    }

    /// Whether any pair begins with this op.
    pub(super) fn has_first(&self, first: Op) -> bool {
        !self.row(first).is_empty()
    }

    /// Every pair and every triple once.
    pub(super) fn all(&'static self) -> impl Iterator<Item = (Op, Op, Option<Op>, Handler<Tail>)> {
        let threes = move |a, b, pair| {
            self.thirds(pair).map(move |at| (a, b, Some(Op(self.thirds[at])), self.threes[at]))
        };
        let of = move |a, pair| {
            let b = Op(self.seconds[pair]);
            core::iter::once((a, b, None, self.handlers[pair])).chain(threes(a, b, pair))
        };
        (0..OPS as u16).flat_map(move |a| self.row(Op(a)).flat_map(move |pair| of(Op(a), pair)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::measured::ROWS;
    use super::super::{INDEX, LISTS};
    use super::*;
    use alloc::vec::Vec;

    /// Against the lists themselves, searched from the beginning.
    #[test]
    fn the_index_has_the_first_of_each_pair_listed() {
        let listed = flat::<{ count(LISTS, ROWS) }>(LISTS, ROWS);
        let is = |op, other| move |pair: &&Pair| (pair.0, pair.1) == (op, other);
        let mut distinct = 0;
        for (at, pair) in listed.iter().enumerate() {
            let found = INDEX.two(INDEX.find(pair.0, pair.1).unwrap());
            let first = listed.iter().find(is(pair.0, pair.1)).unwrap();
            assert!(core::ptr::fn_addr_eq(found, first.2));
            assert!(INDEX.has_first(pair.0));
            distinct += usize::from(!listed[..at].iter().any(|before| is(pair.0, pair.1)(&before)));
        }
        let pairs: Vec<_> = INDEX.all().filter(|all| all.2.is_none()).collect();
        assert_eq!(pairs.len(), distinct);
        assert!(pairs.is_sorted_by_key(|(first, second, ..)| (first.0, second.0)));
    }

    #[test]
    fn what_is_not_listed_is_not_found() {
        let listed = flat::<{ count(LISTS, ROWS) }>(LISTS, ROWS);
        for first in (0..OPS as u16).map(Op) {
            assert_eq!(INDEX.has_first(first), listed.iter().any(|pair| pair.0 == first));
            let last = Op(OPS as u16 - 1);
            assert_eq!(
                INDEX.find(first, last).is_some(),
                listed.iter().any(|pair| (pair.0, pair.1) == (first, last))
            );
        }
    }

    #[test]
    fn the_index_has_each_triple_behind_its_pair() {
        let mut listed = Vec::new();
        for row in ROWS {
            let pair = INDEX.find(row.pair.0, row.pair.1).unwrap();
            for &(third, handler) in row.thirds {
                assert!(INDEX.has_thirds(pair));
                assert!(core::ptr::fn_addr_eq(INDEX.three(pair, third).unwrap(), handler));
                listed.push((row.pair.0.0, row.pair.1.0, third.0));
            }
        }
        let mut found: Vec<_> = INDEX.all().filter_map(|(a, b, c, _)| Some((a.0, b.0, c?.0))).collect();
        listed.sort();
        found.sort();
        assert_eq!(found, listed);
        let alone =
            INDEX.all().find(|all| all.2.is_none() && !INDEX.has_thirds(INDEX.find(all.0, all.1).unwrap()));
        let (a, b, ..) = alone.expect("a pair without triples");
        assert_eq!(INDEX.three(INDEX.find(a, b).unwrap(), b).map(|_| ()), None);
    }
}
