//! Positions in a directory, as small numbers.
//!
//! The system's own cookies stay valid while entries come and go, but have up to 63 bits, and a C library on wasm32
//! keeps a position in 31. So large ones are numbered, for as long as the budget allows that.

use crate::errno::{Errno, Result};
use dunlin::{Budget, Charge, Kind};
use std::collections::HashMap;

#[derive(Default)]
pub(crate) struct Cookies {
    /// What the numbers stand for.
    offsets: Vec<u64>,
    numbers: HashMap<u64, u64>,
    paid: Option<Charge>,
}

/// The numbers that are given begin here. What is below is a cookie of the system's itself, and so is what is above
/// `END`, where a number was too expensive.
const FIRST: u64 = 1 << 30;
const END: u64 = 1 << 31;
/// The most that a number takes in the list and in the map, while either moves to where there is twice the room.
const COST: u64 = 128;

impl Cookies {
    /// The system's cookie that a guest's stands for, if it is one.
    pub(crate) fn offset(&self, cookie: u64) -> Option<u64> {
        match cookie {
            FIRST..END => self.offsets.get((cookie - FIRST) as usize).copied(),
            cookie => Some(cookie),
        }
    }

    /// The guest's cookie for one of the system's.
    pub(crate) fn number(&mut self, offset: u64, budget: &Budget) -> Result<u64, Errno> {
        if offset < FIRST {
            return Ok(offset);
        }
        if let Some(number) = self.numbers.get(&offset) {
            return Ok(*number);
        }
        let number = FIRST + self.offsets.len() as u64;
        if number < END && self.reserve(budget).is_ok() {
            self.offsets.push(offset);
            self.numbers.insert(offset, number);
            Ok(number)
        } else if offset >= END {
            Ok(offset)
        } else {
            Err(Errno::NOMEM)
        }
    }

    /// Makes room for one more.
    fn reserve(&mut self, budget: &Budget) -> Result<(), Errno> {
        let paid = match &mut self.paid {
            Some(paid) => paid,
            None => self.paid.insert(budget.charge(Kind::Host, 0).map_err(|_| Errno::NOMEM)?),
        };
        paid.grow(COST).map_err(|_| Errno::NOMEM)?;
        if self.offsets.try_reserve(1).is_err() || self.numbers.try_reserve(1).is_err() {
            paid.shrink(COST);
            return Err(Errno::NOMEM);
        }
        Ok(())
    }

    /// Begins anew: positions aren't kept when a directory is read from its start again, as POSIX allows.
    pub(crate) fn forget(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_cookies_get_small_numbers() {
        let budget = Budget::new(2 * COST);
        let mut cookies = Cookies::default();
        let large = [u64::MAX >> 1, 1 << 40];
        let numbers = large.map(|offset| cookies.number(offset, &budget).unwrap());
        assert!(numbers.iter().all(|number| (FIRST..END).contains(number)) && numbers[0] != numbers[1]);
        assert_eq!(large.map(|offset| cookies.number(offset, &budget).unwrap()), numbers, "the same again");
        assert_eq!(numbers.map(|number| cookies.offset(number)), large.map(Some));
        assert_eq!(cookies.number(7, &budget), Ok(7));
        assert_eq!(cookies.offset(7), Some(7));
        assert_eq!(cookies.offset(FIRST + 2), None);
        // Without money they stay what they are.
        assert_eq!(cookies.number(1 << 50, &budget), Ok(1 << 50));
        assert_eq!(cookies.number(FIRST, &budget), Err(Errno::NOMEM), "that would be taken for a number");
        assert_eq!(cookies.offset(1 << 50), Some(1 << 50));
        for (offset, number) in [(FIRST - 1, Ok(FIRST - 1)), (END - 1, Err(Errno::NOMEM)), (END, Ok(END))] {
            assert_eq!(cookies.number(offset, &budget), number, "{offset:#x}");
        }
        for (cookie, offset) in [(FIRST - 1, Some(FIRST - 1)), (END - 1, None), (END, Some(END))] {
            assert_eq!(cookies.offset(cookie), offset, "{cookie:#x}");
        }
        assert_eq!((budget.used(), budget.peak()), (2 * COST, 2 * COST));
        cookies.forget();
        assert_eq!((budget.used(), cookies.offset(FIRST)), (0, None));
    }
}
