//! The options of `dunlin addr2line`.

use super::table::{CommandOptions, OptionGroup, Rest, need_module};
use crate::failure::Failure;
use std::ffi::OsString;

/// The options of `dunlin addr2line`.
#[derive(Debug, Default)]
pub(crate) struct Addr2lineOptions {
    /// The module: a path.
    pub(crate) module: OsString,
    /// Offsets in it, as backtraces have them.
    pub(crate) offsets: Vec<u64>,
}

impl CommandOptions for Addr2lineOptions {
    const COMMAND: &'static str = "addr2line";
    const HELP: &'static str = include_str!("../help/addr2line.txt");
    const TABLE: &'static [OptionGroup<Self>] = &[OptionGroup { title: "Options", options: &[] }];

    fn operand(&mut self, operand: OsString) -> Result<Rest, Failure> {
        if self.module.is_empty() {
            self.module = operand;
            return Ok(Rest::Ours);
        }
        let text = operand.to_string_lossy();
        let parsed = match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => text.parse(),
        };
        let offset = parsed.map_err(|_| {
            Failure::usage(format_args!("an offset is a number such as 0x4f5d8 or 325080, not '{text}'"))
        })?;
        self.offsets.push(offset);
        Ok(Rest::Ours)
    }

    fn complete(&mut self) -> Result<(), Failure> {
        need_module(&self.module, Self::COMMAND)?;
        if self.offsets.is_empty() {
            return Err(Failure::usage(
                "an offset is missing, such as 0x4f5d8 in a backtrace; see 'dunlin addr2line --help'",
            ));
        }
        Ok(())
    }
}
