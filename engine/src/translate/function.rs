//! A function's body to its cells.

use super::error::Error;
use super::frames::{Arrivals, ControlFrame};
use super::regions::Regions;
use super::scan::Scanner;
use super::translator::{Env, Translated, Translator, Wanted};
use crate::ops::cells::{PROLOGUE, Prologue};
use crate::ops::frame::HEADER;
use wasmparser::BinaryReader;

/// Translates the body of function `func` (imports counted), whose first byte is at `offset` in the module.
///
/// # Errors
/// If there is no memory for it.
pub(crate) fn translate(
    env: &Env<'_>,
    func: u32,
    body: &[u8],
    offset: u64,
    wanted: Wanted,
) -> Result<Translated, Error> {
    let mut t = Translator::new(env, func, offset, wanted);
    t.has_islands = body.len() >= env.settings.islands_from as usize;
    let mut reader = BinaryReader::new_features(body, offset, env.data.features.of_bodies());
    t.read_locals(&mut reader)?;
    t.begin()?;
    if env.settings.consume_fuel {
        let code = Scanner::new(body, reader.current_position());
        t.regions = Some(Regions::of(env.budget, offset, code)?);
    }
    let debugged = env.settings.guest_debug;
    while !reader.eof() {
        t.at = reader.original_position();
        if debugged && !t.is_dead() {
            t.breakpoint()?;
        }
        t.instruction(&mut reader, body)?;
    }
    t.end()
}

impl Translator<'_> {
    fn begin(&mut self) -> Result<(), Error> {
        for word in Prologue::default().words() {
            self.words.try_push(word)?;
        }
        self.arrivals.try_push(Arrivals::default())?;
        self.frames.try_push(ControlFrame::function())?;
        Ok(())
    }

    fn end(mut self) -> Result<Translated, Error> {
        if !self.handlers.is_empty() {
            self.landings()?;
        }
        let cost = self.pay_for_arrivals();
        let locals = self.header + HEADER;
        let prologue = Prologue {
            // A frame always has room for what `accumulate` reads.
            frame: (self.max_slots.max(locals) + 2) * 8,
            cost,
            header: self.header,
            zeros: self.first_operand - locals,
        };
        self.words[..PROLOGUE].copy_from_slice(&prologue.words());
        let table = self.words.len();
        if !self.handlers.is_empty() {
            self.append_table()?;
        }
        Ok(Translated {
            words: self.words,
            table,
            offset: self.found,
            charges: self.charges,
            cell: self.cell,
            enclosed: self.enclosed,
            state: self.state,
        })
    }
}
