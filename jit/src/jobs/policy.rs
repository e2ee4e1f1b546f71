//! When compiling pays: an account in interpreted instructions.
//!
//! Nobody knows how long a program will run. Whoever compiles at once may compile for nothing; whoever waits may wait
//! for nothing. If something is compiled when as much time has been spent in it as compiling it takes, neither mistake
//! costs more than that much again, whatever the program does (the ski-rental rule). What would cost little is compiled
//! sooner: the time that is lost, if it is, is short then.
//!
//! All of it is a function of counts, never of clocks, so the same samples lead to the same code on every machine. Both
//! sides of the account, interpreting and compiling, are work of the same processor, and the ratio of their speeds
//! differs less from processor to processor than from function to function.

use dunlin::tier::LoopAt;

/// What is known of a function, or of a loop in it, that might be compiled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Candidate {
    /// Instructions that the interpreter has executed in the function, by samples.
    pub(crate) executed: u64,
    /// The size of its body.
    pub(crate) bytes: u32,
    /// How many pieces of code were made of it, or are being made: itself, or loops of it. Each has to pay for itself.
    pub(crate) pieces: u32,
}

/// What is known of a module.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Account {
    /// The cost of everything of it that was compiled, or will be.
    pub(crate) undertaken: u64,
    /// How often all its code was thrown away for want of room. Each time doubles what is asked for, since there isn't
    /// room for everything that is hot.
    pub(crate) thrown_away: u64,
}

/// The speed of the interpreter, on the machine on which the costs here were measured.
pub(crate) const INSTRUCTIONS_PER_MICROSECOND: u64 = 3500;

/// The cost of compiling anything: a third of a millisecond.
const PIECE: u64 = 340 * INSTRUCTIONS_PER_MICROSECOND;

/// What a module's first piece costs besides: the compiler begins, and the code that all pieces need is made.
const FIRST: u64 = 1000 * INSTRUCTIONS_PER_MICROSECOND;

/// The cost of a byte of a small body. It includes what is inlined.
const BYTE: u64 = INSTRUCTIONS_PER_MICROSECOND;

/// The size at which a byte costs twice as much, because the time of some of Cranelift's passes grows faster than the
/// size.
const TWICE_AS_SLOW: u64 = 64 << 10;

/// From so much on, eight milliseconds, a candidate must have executed for all of what it costs.
const LARGE_STAKE: u64 = 8000 * INSTRUCTIONS_PER_MICROSECOND;

/// The instructions that could be interpreted in the time that compiling a body of this size takes.
pub(crate) fn cost(bytes: u32) -> u64 {
    let bytes = u64::from(bytes);
    PIECE + BYTE * (bytes + bytes * bytes / TWICE_AS_SLOW)
}

/// A body's bytes take so many times as many in cells, about.
const CELLS_FOR_BYTE: u32 = 3;

/// Reading a function's body costs so many times less than compiling it.
const READING: u32 = 64;

/// The size of a loop, by where it was seen in cells.
pub(crate) fn loop_bytes(found: LoopAt) -> u32 {
    (found.end - found.header) * 8 / CELLS_FOR_BYTE
}

/// The size of a body that costs as much to compile as a loop of `bytes` alone: its function, of `size`, has to be read.
pub(crate) fn island_bytes(size: u32, bytes: u32) -> u32 {
    bytes.saturating_add(size / READING)
}

impl Account {
    /// Whether a candidate should be compiled now.
    pub(crate) fn pays(self, candidate: Candidate) -> bool {
        let Candidate { executed, bytes, pieces } = candidate;
        let own = cost(bytes);
        let cost = if self.undertaken == 0 { FIRST + own } else { own };
        // What will have been spent on the module if this is compiled too. A half of a large stake asks for a quarter of
        // the cost.
        let stake = u128::from(self.undertaken.saturating_add(FIRST + own).min(LARGE_STAKE));
        let all = u128::from(LARGE_STAKE);
        let wanted = u128::from(cost) * (u128::from(pieces) + 1) * stake * stake / (all * all);
        u128::from(executed) >= wanted << self.thrown_away.min(32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING_YET: Account = Account { undertaken: 0, thrown_away: 0 };

    /// The least that a function must have executed.
    fn least(account: Account, bytes: u32, pieces: u32) -> u64 {
        let (mut low, mut high) = (0, 1 << 60);
        while low < high {
            let executed = low + (high - low) / 2;
            if account.pays(Candidate { executed, bytes, pieces }) {
                high = executed
            } else {
                low = executed + 1
            }
        }
        low
    }

    #[test]
    fn what_has_executed_for_longer_pays_sooner_and_what_costs_more_later() {
        let sizes = [0, 1, 20, 300, 5000, 70_000, 1 << 20, u32::MAX];
        let mut last = 0;
        for bytes in sizes {
            let wanted = least(NOTHING_YET, bytes, 0);
            assert!(wanted > last, "{bytes}");
            last = wanted;
            // `least` relies on that there is one point from which on it pays.
            for executed in [0, wanted / 2, wanted - 1, wanted, wanted + 1, wanted * 2, u64::MAX] {
                let pays = NOTHING_YET.pays(Candidate { executed, bytes, pieces: 0 });
                assert_eq!(pays, executed >= wanted, "{bytes} after {executed}");
            }
            let mut undertaken = 0;
            let mut before = 0;
            while undertaken < 4 * LARGE_STAKE {
                undertaken += LARGE_STAKE / 7;
                let now = least(Account { undertaken, thrown_away: 0 }, bytes, 0);
                assert!(now >= before, "{bytes} after {undertaken}");
                before = now;
            }
        }
    }

    #[test]
    fn what_is_hot_is_compiled_and_what_is_not_is_not() {
        let millisecond = 1000 * INSTRUCTIONS_PER_MICROSECOND;
        // A small function of a small program, after a part of a millisecond.
        assert!(least(NOTHING_YET, 200, 0) < millisecond / 4);
        // Nothing after a slice.
        assert!(least(NOTHING_YET, 0, 0) > 2 * 30_000);
        // The loop of an interpreter, whose compilation takes 80 milliseconds.
        assert!((60..120).contains(&(least(NOTHING_YET, 48 << 10, 0) / millisecond)));
        // A function of a megabyte needs more than ten seconds.
        assert!(least(NOTHING_YET, 1 << 20, 0) > 10_000 * millisecond);
    }

    /// However a program divides its time, what is spent on compiling is at most what it was interpreted for, and what is
    /// lost in any case.
    #[test]
    fn the_account_bounds_what_compiling_takes() {
        let (mut account, mut executed) = (NOTHING_YET, 0);
        for n in 0..3000_u32 {
            let (bytes, pieces) = (n * 7919 % 9000, n % 3);
            let wanted = least(account, bytes, pieces);
            executed += wanted;
            account.undertaken += cost(bytes);
            assert!(account.undertaken <= executed + 2 * LARGE_STAKE, "{n}");
        }
        assert!(account.undertaken > 100 * LARGE_STAKE);
    }

    #[test]
    fn each_piece_has_to_pay_for_itself_and_each_eviction_doubles_what_is_asked_for() {
        let account = Account { undertaken: LARGE_STAKE, thrown_away: 0 };
        for bytes in [10, 1000, 100_000] {
            let once = least(account, bytes, 0);
            assert_eq!(once, cost(bytes));
            assert_eq!(least(account, bytes, 2), 3 * once);
            assert_eq!(least(Account { thrown_away: 3, ..account }, bytes, 0), 8 * once);
        }
    }
}
