//! The code section: bodies are validated one by one, then kept, or hashed and dropped.

use crate::words::Count;
use wasmparser::{BinaryReader, FuncToValidate, FunctionBody, ValidatorResources};

use super::cost;
use super::framing::Leb;
use super::missing::Part;
use super::state::{BodyCheck, Core, Phase, Step};
use super::supported::Supported;
use crate::memory::limits::{
    AVERAGE_FROM_BYTES, MAX_BODY_BYTES, MAX_CONTROL_DEPTH, MAX_LOCALS, MAX_OPERANDS,
};
use crate::memory::{Buf, Kind, third_party};
use crate::module::MANY_CATCHES;
use crate::module::bodies::{BodyRecord, CHUNK, Chunk, Source};
use crate::module::estimate::{self, BodyStats};
use crate::module::load_error::{ErrorKind, LoadError};
use crate::module::opcode::{BR_TABLE, CATCH, CATCH_ALL, DELEGATE, TRY_TABLE};

/// The most operands that an instruction can push: a call's results.
const MOST_PUSHED: u32 = 1000;

#[cold]
fn too_many(what: &'static str, limit: u32, offset: u64) -> LoadError {
    LoadError::new(ErrorKind::Limit, format_args!("function has more than {}", Count(limit, what)), offset)
}

/// How many clauses a `try_table` claims that begins with these bytes behind its opcode, at most as many as there may be.
pub(super) fn catches_of(bytes: &[u8]) -> u32 {
    // The block's type is one number, whether it is a value's or an index.
    let ty = bytes.iter().take_while(|byte| **byte >= 0x80).count() + 1;
    let Some(rest) = bytes.get(ty..) else { return 0 };
    match Leb::read(rest) {
        // Each has two bytes, and the validator refuses more than 10,000.
        Leb::Done(count, _) => count.min(rest.len() as u32 / 2),
        _ => 0,
    }
}

impl<C: BodyCheck> Core<C> {
    pub(super) fn code_count(&mut self, len: u32, bytes: &[u8]) -> Result<Step, LoadError> {
        let Some((count, leb)) = Leb::read_at(bytes, self.offset)? else {
            return Ok(Step::More { wanted: bytes.len() + 1, eof_at: self.offset + bytes.len() as u64 });
        };
        let start = self.offset;
        let Some(rest) = len.checked_sub(leb as u32) else {
            return Err(self.invalid("unexpected end-of-file", start));
        };
        let average = self.limits.average_function_bytes;
        if rest >= AVERAGE_FROM_BYTES && u64::from(rest) < u64::from(count) * u64::from(average) {
            let message = format_args!("functions have fewer than {} on average", Count(average, "bytes"));
            return Err(LoadError::new(ErrorKind::Limit, message, start));
        }
        self.order.bodies(count, start)?;
        self.validated(|validator| validator.code_section_start(&(start..start + u64::from(len))))?;
        // The count equals that of the function section, which has been read.
        self.records.try_reserve_exact(count as usize).map_err(self.memory())?;
        #[cfg(feature = "std")]
        if let Source::File(..) = self.bodies {
            self.hashes.try_reserve_exact(count as usize).map_err(self.memory())?;
        }
        self.phase = Phase::Body { remaining: count, len: rest };
        Ok(Step::Took(leb))
    }

    pub(super) fn body(&mut self, remaining: u32, len: u32, bytes: &[u8]) -> Result<Step, LoadError> {
        let start = self.offset;
        if remaining == 0 {
            if len > 0 {
                return Err(self.invalid("trailing bytes at end of section", start));
            }
            self.phase = Phase::SectionStart;
            return Ok(Step::Took(0));
        }
        let Some((size, leb)) = Leb::read_at(bytes, start)? else {
            return Ok(Step::More { wanted: bytes.len() + 1, eof_at: start + bytes.len() as u64 });
        };
        let body_offset = start + leb as u64;
        let total = leb as u64 + u64::from(size);
        let Some(rest) = u64::from(len).checked_sub(total) else {
            return Err(self.invalid("unexpected end-of-file", start));
        };
        if size > MAX_BODY_BYTES {
            let message = format_args!("function body size count exceeds limit of {MAX_BODY_BYTES}");
            return Err(self.invalid(message, body_offset));
        }
        let Some(entry) = bytes.get(..total as usize) else {
            return Ok(Step::More { wanted: total as usize, eof_at: body_offset });
        };
        self.admit(entry.len())?;
        let body = &entry[leb..];
        self.validate_body(body, body_offset).map_err(|error| {
            let index = self.module.imported_funcs + self.records.len() as u32;
            self.explained(error, Part::Function(index), body, body_offset)
        })?;
        self.keep_body(entry, leb, body_offset, len)?;
        self.phase = Phase::Body { remaining: remaining - 1, len: rest as u32 };
        Ok(Step::Took(entry.len()))
    }

    fn validate_body(&mut self, bytes: &[u8], offset: u64) -> Result<(), LoadError> {
        let reader = BinaryReader::new_features(bytes, offset, self.features.of_bodies());
        let body = FunctionBody::new(reader);
        let mut func =
            third_party(|| self.validator.code_section_entry(&body)).map_err(LoadError::invalid)?;
        func.features = self.features.of_bodies();
        #[cfg(any(feature = "coredump", feature = "snapshot"))]
        if let Some(validated) = &mut self.validated {
            validated.resources.get_or_insert_with(|| func.resources.clone());
        }
        let index = func.index;
        let stats = match self.quick.body(&self.module, index, bytes, &self.limits) {
            Some(stats) => stats,
            None => third_party(|| self.validate_operators(func, &body, bytes, offset))?,
        };
        let cells = &mut self.module.cells;
        let on_disk = match self.bodies {
            Source::Copied | Source::Static(_) => 0,
            #[cfg(feature = "std")]
            Source::File(..) => bytes.len() as u64,
        };
        cells.largest = cells.largest.max(estimate::most_to_translate(&stats, bytes.len()) + on_disk);
        cells.all = cells.all.saturating_add(estimate::cells_of(&stats, bytes.len()) + estimate::CODE);
        if stats.catches >= MANY_CATCHES {
            self.module.catches.try_push((index, stats.catches)).map_err(self.memory())?;
        }
        self.check.body(&self.module, index, &body, stats)
    }

    /// Like `FuncValidator::validate`, but charges for what the validator holds as it grows.
    fn validate_operators(
        &mut self,
        func: FuncToValidate<ValidatorResources>,
        body: &FunctionBody<'_>,
        bytes: &[u8],
        offset: u64,
    ) -> Result<BodyStats, LoadError> {
        let mut validator = func.into_validator(core::mem::take(&mut self.allocations));
        let mut stats = BodyStats { max_control_depth: 1, ..BodyStats::default() };
        let mut reader = body.get_binary_reader();
        self.pay_for_locals(bytes)?;
        self.pay_for_stacks(0, 0, offset)?;
        validator.read_locals(&mut reader).map_err(LoadError::invalid)?;
        let limited = |what, count, limit| {
            if count <= limit { Ok(()) } else { Err(too_many(what, limit, offset)) }
        };
        limited("locals", validator.len_locals(), self.limits.locals)?;
        while !reader.eof() {
            let (at, position) = (reader.original_position(), reader.current_position());
            let opcode = bytes[position];
            if opcode == BR_TABLE
                && let Leb::Done(targets, _) = Leb::read(&bytes[position + 1..])
            {
                limited("targets of a br_table", targets, self.limits.br_table_targets)?;
            }
            let catches = match opcode {
                TRY_TABLE => catches_of(&bytes[position + 1..]),
                CATCH | CATCH_ALL | DELEGATE => 1,
                _ => 0,
            };
            if catches > 0 {
                limited("catch clauses of a try_table", catches, self.limits.catches)?;
                self.pay_for_catches(catches)?;
                stats.catches = stats.catches.saturating_add(catches);
            }
            reader
                .visit_operator(&mut Supported(validator.visitor(at)))
                .and_then(|visited| visited)
                .map_err(LoadError::invalid)?;
            stats.instructions += 1;
            let (operands, depth) = (validator.operand_stack_height(), validator.control_stack_height());
            if operands > stats.max_operands || depth > stats.max_control_depth {
                stats.max_operands = stats.max_operands.max(operands);
                stats.max_control_depth = stats.max_control_depth.max(depth);
                if operands > self.most_operands || depth > self.most_depth {
                    self.pay_for_stacks(operands, depth, at)?;
                }
            }
        }
        let at = reader.original_position();
        reader.finish_expression(&validator.visitor(at)).map_err(LoadError::invalid)?;
        stats.locals = validator.len_locals();
        self.allocations = validator.into_allocations();
        Ok(stats)
    }

    /// Charges for the list of a `try_table`'s clauses, before the validator makes it.
    fn pay_for_catches(&mut self, catches: u32) -> Result<(), LoadError> {
        if catches > self.paid_catches {
            self.pay(u64::from(catches - self.paid_catches) * cost::CATCH)?;
            self.paid_catches = catches;
        }
        Ok(())
    }

    /// Charges for the groups of locals, before the validator stores them.
    fn pay_for_locals(&mut self, body: &[u8]) -> Result<(), LoadError> {
        let Leb::Done(claimed, _) = Leb::read(body) else { return Ok(()) };
        // A group takes two bytes, and the validator refuses more than 50,000 locals.
        let groups = claimed.min(body.len() as u32 / 2).min(MAX_LOCALS);
        if groups > self.paid_local_groups {
            let more = u64::from(groups - self.paid_local_groups) * cost::LOCAL_GROUP;
            self.pay(more)?;
            self.paid_local_groups = groups;
        }
        Ok(())
    }

    /// Charges for the validator's stacks, in steps, before they grow beyond what has been charged.
    #[cold]
    fn pay_for_stacks(&mut self, operands: u32, depth: u32, offset: u64) -> Result<(), LoadError> {
        if operands > MAX_OPERANDS {
            return Err(too_many("operands on its stack", MAX_OPERANDS, offset));
        }
        let deepest = self.limits.nesting.min(MAX_CONTROL_DEPTH);
        if depth > deepest {
            return Err(too_many("blocks inside each other", deepest, offset));
        }
        // Powers of two, because vectors grow so; and enough for the next instruction.
        let operands = (operands + MOST_PUSHED).next_power_of_two().max(self.paid_operands);
        let depth = (depth + 1).next_power_of_two().max(self.paid_depth);
        let more = u64::from(operands - self.paid_operands) * cost::OPERAND
            + u64::from(depth - self.paid_depth) * cost::BLOCK;
        self.pay(more)?;
        (self.paid_operands, self.paid_depth) = (operands, depth);
        self.most_operands = (operands - MOST_PUSHED).min(MAX_OPERANDS);
        self.most_depth = (depth - 1).min(deepest);
        Ok(())
    }

    /// `entry` is the body with its size before it; `len` bytes of the section were left before it.
    fn keep_body(&mut self, entry: &[u8], leb: usize, body_offset: u64, len: u32) -> Result<(), LoadError> {
        let body = &entry[leb..];
        let record = BodyRecord { offset: body_offset as u32, len: body.len() as u32 };
        self.records.try_push(record).map_err(self.memory())?;
        match &self.bodies {
            Source::Static(_) => Ok(()),
            #[cfg(feature = "std")]
            Source::File(_, key) => {
                let hash = key.hash(body);
                self.hashes.try_push(hash).map_err(self.memory())
            }
            Source::Copied => {
                if self.body_chunks.last().is_none_or(|chunk| chunk.bytes.room() < entry.len()) {
                    let capacity = entry.len().max(CHUNK.min(len as usize));
                    let bytes =
                        Buf::with_capacity(&self.budget, Kind::Bodies, capacity).map_err(self.memory())?;
                    let start = (body_offset - leb as u64) as u32;
                    self.body_chunks.try_push(Chunk { start, bytes }).map_err(self.memory())?;
                    // Only the chunks of bodies are allocated in this section, so only here could the validator come
                    // short: probe again.
                    self.probe()?;
                }
                match self.body_chunks.last_mut() {
                    Some(chunk) => chunk.bytes.try_extend_from_slice(entry).map_err(self.memory()),
                    None => Ok(()),
                }
            }
        }
    }
}
