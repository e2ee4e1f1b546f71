//! The search for addresses: through all units, for functions and lines.

use super::chain::Chain;
use super::types::Unit;
use super::unit::Units;
use super::work::Work;
use super::{functions, lines};
use gimli::Result;

impl<'a> Units<'_, 'a> {
    /// Finds the functions and lines of all these addresses.
    pub(super) fn find(&self, chains: &mut [Chain], work: &mut Work) -> Result<()> {
        let mut headers = self.dwarf.units();
        while let Some(header) = headers.next()? {
            // A unit that can't be read says nothing of the others.
            if let Ok(Some(unit)) = self.open(header, work) {
                let _ = self.look(&unit, chains, work);
            }
            work.steps(1)?;
        }
        Ok(())
    }

    /// Looks for addresses in a unit.
    fn look(&self, unit: &Unit<'a>, chains: &mut [Chain], work: &mut Work) -> Result<()> {
        let root = unit.entry(unit.root_offset())?;
        let mut wanted: Vec<&mut Chain> = chains.iter_mut().filter(|chain| chain.is_open()).collect();
        let mut within = vec![false; wanted.len()];
        self.for_each_range(unit, &root, work, |begin, end| {
            for (chain, within) in wanted.iter().zip(&mut within) {
                *within |= chain.is_between(begin, end);
            }
        })?;
        let mut within = within.into_iter();
        wanted.retain(|_| within.next() == Some(true));
        if wanted.is_empty() {
            return Ok(());
        }
        // Each of the two is worth something without the other.
        let lines = lines::find(self, unit, &mut wanted, work);
        functions::find(self, unit, &mut wanted, work).and(lines)
    }
}
