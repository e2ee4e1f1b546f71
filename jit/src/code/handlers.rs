//! Where exceptions go on in machine code: for each call that may be left by one, the clauses that catch it.

use super::offset_map::Offset;

/// A clause for a call. A call's clauses are in the order in which they are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Handler {
    /// The call's return address.
    pub(crate) at: Offset,
    /// What it [catches](Catches), encoded.
    pub(crate) catches: u32,
    /// The code that goes on.
    pub(crate) landing: Offset,
    /// How far the stack pointer is below the frame pointer there.
    pub(crate) frame: u32,
}

/// What a clause catches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Catches {
    pub(crate) what: What,
    /// How many functions that are inlined at the call lie inside of the one that has the clause.
    pub(crate) scopes: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// Exceptions with the tag in this word of the context.
    Tag(u32),
    All,
    /// All, for the interpreter to look further: the code is that of a loop alone.
    Leaves,
}

/// How many bits a tag's word has.
const TAG_BITS: u32 = 28;
const ALL: u32 = (1 << TAG_BITS) - 1;
const LEAVES: u32 = ALL - 1;

impl Catches {
    /// It as a number; `None` if a part is too large.
    #[cfg(any(test, feature = "compiler"))]
    pub(crate) fn encode(self) -> Option<u32> {
        let tag = match self.what {
            What::Tag(word) if word < LEAVES => word,
            What::Tag(_) => return None,
            What::All => ALL,
            What::Leaves => LEAVES,
        };
        (self.scopes < 1 << (32 - TAG_BITS)).then_some(tag | self.scopes << TAG_BITS)
    }

    pub(crate) fn of(number: u32) -> Self {
        let what = match number & ALL {
            ALL => What::All,
            LEAVES => What::Leaves,
            word => What::Tag(word),
        };
        Self { what, scopes: number >> TAG_BITS }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_caught_is_a_number() {
        for what in [What::Tag(0), What::Tag(LEAVES - 1), What::All, What::Leaves] {
            for scopes in [0, 1, 15] {
                let catches = Catches { what, scopes };
                assert_eq!(catches.encode().map(Catches::of), Some(catches));
            }
            assert_eq!(Catches { what, scopes: 16 }.encode(), None);
        }
        assert_eq!(Catches { what: What::Tag(LEAVES), scopes: 0 }.encode(), None);
    }
}
