//! Custom sections: their names are checked, and their contents skipped, but for names and branch hints.

use super::framing::Leb;
use super::state::{BodyCheck, Core, Phase, Step};
use crate::memory::limits::{MAX_LISTED_NAME_BYTES, MAX_STRING_BYTES};
use crate::memory::{Kind, try_str};
use crate::module::load_error::LoadError;

impl<C: BodyCheck> Core<C> {
    pub(super) fn custom_name(&mut self, len: u32, bytes: &[u8]) -> Result<Step, LoadError> {
        let start = self.offset;
        let within = &bytes[..bytes.len().min(len as usize)];
        let Some((name_len, leb)) = Leb::read_at(within, start)? else {
            if within.len() == len as usize {
                return Err(self.invalid("unexpected end-of-file", start + u64::from(len)));
            }
            return Ok(Step::More { wanted: bytes.len() + 1, eof_at: start });
        };
        let name_at = start + leb as u64;
        if name_len > MAX_STRING_BYTES {
            return Err(self.invalid("string size out of bounds", name_at - 1));
        }
        let Some(rest) = (len - leb as u32).checked_sub(name_len) else {
            return Err(self.invalid("unexpected end-of-file", name_at));
        };
        let total = leb + name_len as usize;
        let Some(name) = bytes.get(leb..total) else {
            return Ok(Step::More { wanted: total, eof_at: start });
        };
        self.admit(total)?;
        let Ok(name) = str::from_utf8(name) else {
            return Err(self.invalid("malformed UTF-8 encoding", start + total as u64 - 1));
        };
        self.list_name(name)?;
        self.phase = if name == "name" && !self.skip_names && self.names.begin() {
            self.peak_before_names = Some(self.budget.peak());
            Phase::Names { len: rest }
        } else if name == "metadata.code.branch_hint" && self.records.is_empty() && self.branch_hints.begin()
        {
            Phase::BranchHints { len: rest }
        } else {
            Phase::CustomSkip { len: rest }
        };
        Ok(Step::Took(total))
    }

    fn list_name(&mut self, name: &str) -> Result<(), LoadError> {
        // The current section is the last of the list, unless there were too many to list.
        if self.sections.last().is_some_and(|info| info.offset == self.section_offset) {
            let listed = &name[..name.floor_char_boundary(MAX_LISTED_NAME_BYTES)];
            let (listed, charge) = try_str(&self.budget, Kind::Metadata, listed).map_err(self.memory())?;
            self.module.charges.metadata.merge(charge);
            if let Some(info) = self.sections.last_mut() {
                info.name = Some(listed);
            }
        }
        Ok(())
    }

    pub(super) fn custom_skip(&mut self, len: u32, bytes: &[u8]) -> Step {
        let now = bytes.len().min(len as usize);
        self.pass_by(now, len, |len| Phase::CustomSkip { len })
    }

    pub(super) fn custom_names(&mut self, len: u32, bytes: &[u8]) -> Step {
        let now = bytes.len().min(len as usize);
        self.names.feed(&bytes[..now]);
        self.pass_by(now, len, |len| Phase::Names { len })
    }

    pub(super) fn custom_branch_hints(&mut self, len: u32, bytes: &[u8]) -> Step {
        let now = bytes.len().min(len as usize);
        self.branch_hints.feed(&bytes[..now]);
        self.pass_by(now, len, |len| Phase::BranchHints { len })
    }

    fn pass_by(&mut self, now: usize, len: u32, then: fn(u32) -> Phase) -> Step {
        if len == 0 {
            self.phase = Phase::SectionStart;
        } else if now == 0 {
            return Step::More { wanted: 1, eof_at: self.section_offset };
        } else {
            self.phase = then(len - now as u32);
        }
        Step::Took(now)
    }
}
