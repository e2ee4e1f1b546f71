//! From bytes to instructions.
//!
//! wasmparser decodes all of them, but into a large enum that has to be matched again. The most frequent ones are
//! decoded by a table of opcodes instead, which is itself made with wasmparser.

use super::error::Error;
use super::plain::memarg;
use super::translator::Translator;
use crate::module::opcode::*;
use crate::module::operators;
use crate::ops::{Class, Selected};
use wasmparser::BinaryReader;

impl Translator<'_> {
    /// Translates the next instruction of `body`.
    pub(super) fn instruction(&mut self, reader: &mut BinaryReader<'_>, body: &[u8]) -> Result<(), Error> {
        let opcode = body.get(reader.current_position()).copied().unwrap_or_default();
        if self.is_dead() {
            if opcode == TRY_TABLE {
                return self.skip_try_table(reader, body);
            }
            self.dead_code(&operators::read_of(reader, opcode).map_err(|_| Error::changed())?)?;
            return self.charge();
        }
        match opcode {
            LOCAL_GET..=LOCAL_TEE => {
                let index =
                    reader.read_u8().and_then(|_| reader.read_var_u32()).map_err(|_| Error::changed())?;
                self.pending += 1;
                match opcode {
                    LOCAL_GET => self.local_get(index),
                    LOCAL_SET => self.local_set(index),
                    _ => self.local_tee(index),
                }
            }
            I32_CONST => {
                let value =
                    reader.read_u8().and_then(|_| reader.read_var_i32()).map_err(|_| Error::changed())?;
                self.pending += 1;
                self.push_const(Class::Int, value as u32 as u64)
            }
            TRY_TABLE => {
                self.pending += 1;
                self.try_table(reader, body)
            }
            _ => match &self.plain[opcode as usize] {
                Some(selected) => {
                    reader.read_u8().map_err(|_| Error::changed())?;
                    self.pending += 1;
                    match *selected {
                        Selected::Load { op, to, .. } => self.load(op, to, memarg(reader)?),
                        Selected::Store { op, from, .. } => self.store(op, from, memarg(reader)?),
                        _ => self.selected(selected),
                    }
                }
                None => self.operator(&operators::read_of(reader, opcode).map_err(|_| Error::changed())?),
            },
        }
    }
}
