//! Recursion groups of types, before wasmparser reads them: it believes how many types they say they have.

use super::scan::Scan;
use crate::module::opcode::{ARRAY_TYPE, FUNC_TYPE, REC_TYPES, STRUCT_TYPE, SUB_FINAL_TYPE, SUB_TYPE};

/// What a type section says of its recursion groups.
#[derive(Default)]
pub(super) struct Groups {
    /// At least as many types as wasmparser will read, if there is a group.
    pub(super) types: u64,
    /// The last group that it will read, if the bytes end in it.
    pub(super) last: Option<Claim>,
}

/// How many types a recursion group says it has.
pub(super) struct Claim {
    /// Where it says so in the section, in how many bytes.
    pub(super) at: usize,
    pub(super) leb: usize,
    pub(super) count: u32,
    /// How many there may be in the bytes behind.
    pub(super) most: u64,
}

/// The fewest bytes of a type: those of a struct without fields.
const SMALLEST: usize = 2;

impl Groups {
    /// Those of the section with these contents. They may be of any length and of any form: what can't be read as the types of a
    /// section is where wasmparser ends.
    pub(super) fn of(contents: &[u8]) -> Groups {
        let mut groups = Groups::default();
        // Nearly no section has the byte at all.
        if !contents.contains(&REC_TYPES) {
            return groups;
        }
        let mut scan = Scan::new(contents);
        let known = groups.read(&mut scan);
        if known.is_none() {
            groups.types += (scan.left() / SMALLEST) as u64 + 1;
        }
        groups
    }

    fn read(&mut self, scan: &mut Scan<'_>) -> Option<()> {
        for _ in 0..scan.number()? {
            if scan.peek()? != REC_TYPES {
                sub_type(scan)?;
                self.types += 1;
                continue;
            }
            scan.byte()?;
            let at = scan.at();
            let count = scan.number()?;
            let most = (scan.left() / SMALLEST) as u64;
            if u64::from(count) > most {
                self.last = Some(Claim { at, leb: scan.at() - at, count, most });
                return None;
            }
            for _ in 0..count {
                sub_type(scan)?;
                self.types += 1;
            }
        }
        Some(())
    }
}

fn sub_type(scan: &mut Scan<'_>) -> Option<()> {
    let mut first = scan.byte()?;
    if matches!(first, SUB_TYPE | SUB_FINAL_TYPE) {
        for _ in 0..scan.number()? {
            scan.number()?;
        }
        first = scan.byte()?;
    }
    match first {
        FUNC_TYPE => {
            value_types(scan)?;
            value_types(scan)
        }
        STRUCT_TYPE => (0..scan.number()?).try_for_each(|_| field(scan)),
        ARRAY_TYPE => field(scan),
        _ => None,
    }
}

fn value_types(scan: &mut Scan<'_>) -> Option<()> {
    (0..scan.number()?).try_for_each(|_| scan.value_type())
}

fn field(scan: &mut Scan<'_>) -> Option<()> {
    scan.value_type()?;
    scan.byte().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::opcode::{REF_NULL_TYPE, REF_TYPE};

    #[test]
    fn types_in_groups_are_counted() {
        let count = |contents: &[u8]| Groups::of(contents).types;
        assert_eq!(count(&[2, FUNC_TYPE, 0, 0, FUNC_TYPE, 1, 0x7f, 0]), 0);
        assert_eq!(
            count(&[
                2, REC_TYPES, 2, FUNC_TYPE, 0, 0, SUB_TYPE, 1, 0, FUNC_TYPE, 1, REF_TYPE, 1, 0, FUNC_TYPE, 0,
                1, 0x7f
            ]),
            3
        );
        assert_eq!(
            count(&[1, REC_TYPES, 2, STRUCT_TYPE, 1, 0x78, 1, ARRAY_TYPE, REF_NULL_TYPE, 0x80, 0, 0]),
            2
        );
        assert_eq!(
            count(&[3, REC_TYPES, 0, REC_TYPES, 1, SUB_FINAL_TYPE, 0, FUNC_TYPE, 0, 0, REC_TYPES, 0]),
            1
        );
        // What it doesn't know may be types, as short as they can be.
        assert_eq!(count(&[1, REC_TYPES, 2, FUNC_TYPE, 0, 0, 0x11, 1, 2, 3, 4]), 1 + 3);
        for contents in [
            &[1, REC_TYPES][..],
            &[REC_TYPES],
            &[1, REC_TYPES, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[1, REC_TYPES, 1, FUNC_TYPE, 0xff],
        ] {
            assert!(count(contents) <= 1 + contents.len() as u64, "{contents:?}");
        }
    }

    #[test]
    fn a_claim_of_more_types_than_fit_is_found() {
        let contents = [2, REC_TYPES, 1, FUNC_TYPE, 0, 0, REC_TYPES, 0x80, 0x20, FUNC_TYPE, 0, 0, 0];
        let groups = Groups::of(&contents);
        let claim = groups.last.unwrap();
        assert_eq!((claim.at, claim.leb, claim.count, claim.most), (7, 2, 0x1000, 2));
        assert_eq!(groups.types, 1 + 3);
        assert!(Groups::of(&[1, REC_TYPES, 1, FUNC_TYPE, 0, 0]).last.is_none());
    }
}
