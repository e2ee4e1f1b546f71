//! Loads a module from chunks of any size: bytes in, a validated [`ModuleInner`] out.
//!
//! The loader holds no more of the input than the largest function body or section that it must see whole: custom
//! sections and the payloads of data segments pass through. What it answers depends on the bytes, not on how they
//! were cut: each step looks at bytes from the front, and either takes some or says how many it needs.

mod branch_hints;
mod code;
mod compact;
mod cost;
mod custom;
mod data;
mod framing;
mod groups;
mod imports;
mod missing;
mod name_section;
mod quick;
mod scan;
mod sections;
mod state;
mod supported;
#[cfg(test)]
mod tests;
mod types;
#[cfg(any(feature = "coredump", feature = "snapshot"))]
mod typing;
mod window;

pub(crate) use state::{BodyCheck, LoadOptions};
#[cfg(feature = "coredump")]
pub(crate) use typing::operands_below;
#[cfg(feature = "snapshot")]
pub(crate) use typing::typed;

use crate::memory::limits::{MAX_LISTED_SECTIONS, MAX_MODULE_BYTES};
use crate::memory::{Budget, Kind, MemoryError, third_party};
use crate::module::bodies::{BodyBytes, Source};
use crate::module::features::Features;
use crate::module::load_error::{ErrorKind, LoadError};
#[cfg(feature = "snapshot")]
use crate::module::origin::Digesting;
use crate::module::{ModuleInner, SectionInfo};
use crate::words::Count;
use alloc::vec::Vec;
use framing::{Leb, MAGIC, SectionId};
use missing::Part;
use state::{AcceptAll, Core, Phase, Step};
use wasmparser::Encoding;

/// How many bytes are read at once, while a module is loaded from a file or a reader.
pub(crate) const READ_AT_ONCE: usize = 16 << 10;

/// Makes a module of a stream of bytes.
pub(crate) struct Loader<C: BodyCheck = AcceptAll> {
    /// What has come but can't be used before more does. The core has charged for it.
    window: Vec<u8>,
    core: Core<C>,
    /// How long the window has to be for the next step.
    wanted: usize,
    /// Bytes pushed so far.
    total: u64,
    failed: Option<LoadError>,
}

impl<C: BodyCheck> Loader<C> {
    /// A loader for a module that draws on `budget`.
    pub(crate) fn new(
        features: Features,
        budget: &Budget,
        options: LoadOptions,
        check: C,
    ) -> Result<Loader<C>, MemoryError> {
        Ok(Loader {
            window: Vec::new(),
            core: Core::new(features, budget, options, check)?,
            wanted: 0,
            total: 0,
            failed: None,
        })
    }

    /// Takes the next bytes of the module. After an error, every call gives that error.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<(), LoadError> {
        if let Some(error) = &self.failed {
            return Err(error.again());
        }
        let result = self.push_within_limit(chunk);
        if let Err(error) = &result {
            self.failed = Some(error.again());
        }
        result
    }

    fn push_within_limit(&mut self, chunk: &[u8]) -> Result<(), LoadError> {
        let room = MAX_MODULE_BYTES - self.total;
        let within = (chunk.len() as u64).min(room) as usize;
        self.total += within as u64;
        #[cfg(feature = "snapshot")]
        if let Some(digest) = &mut self.core.digest {
            digest.add(&chunk[..within]);
        }
        self.feed(&chunk[..within])?;
        if within < chunk.len() {
            let message = format_args!("module is larger than {MAX_MODULE_BYTES} bytes");
            return Err(LoadError::new(ErrorKind::Limit, message, MAX_MODULE_BYTES));
        }
        Ok(())
    }

    fn feed(&mut self, mut chunk: &[u8]) -> Result<(), LoadError> {
        self.core.begin()?;
        loop {
            if self.window.is_empty() {
                if chunk.is_empty() {
                    return Ok(());
                }
                match self.core.step(chunk)? {
                    Step::Took(count) => chunk = &chunk[count..],
                    Step::More { wanted, .. } => {
                        self.wanted = wanted;
                        chunk = self.fill(chunk)?;
                    }
                }
            } else {
                chunk = self.fill(chunk)?;
                if self.window.len() < self.wanted {
                    return Ok(());
                }
                self.step_window()?;
            }
        }
    }

    /// Moves bytes from the chunk to the window, as many as it wants.
    fn fill<'b>(&mut self, chunk: &'b [u8]) -> Result<&'b [u8], LoadError> {
        let (now, later) = chunk.split_at(self.wanted.saturating_sub(self.window.len()).min(chunk.len()));
        if now.is_empty() {
            return Ok(later);
        }
        self.admit(self.window.len() + now.len(), self.wanted)?;
        let capacity = self.core.admission.capacity();
        if self.window.capacity() < capacity {
            // While the bytes move, both the old and the new memory are held. Admission made sure that there is room for both.
            let old = self.window.capacity() as u64;
            let _moving = self.core.budget.charge(Kind::Metadata, old).map_err(self.core.memory())?;
            self.window.try_reserve_exact(capacity - self.window.len()).map_err(|_| {
                LoadError::memory(MemoryError::system(Kind::Metadata, capacity as u64), self.core.offset)
            })?;
        }
        self.window.extend_from_slice(now);
        Ok(later)
    }

    fn admit(&mut self, have: usize, need: usize) -> Result<(), LoadError> {
        let offset = self.core.offset;
        self.core.admission.admit(have, need).map_err(|error| LoadError::memory(error, offset))
    }

    fn step_window(&mut self) -> Result<Step, LoadError> {
        let step = self.core.step(&self.window)?;
        match step {
            Step::Took(count) => {
                self.window.drain(..count);
                self.wanted = self.window.len();
            }
            Step::More { wanted, .. } => self.wanted = wanted,
        }
        Ok(step)
    }

    /// There are no more bytes: gives the module.
    pub(crate) fn finish(mut self) -> Result<ModuleInner, LoadError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.core.begin()?;
        while !(self.core.at_end() && self.window.is_empty()) {
            if let Step::More { eof_at, .. } = self.step_window()? {
                // What looked like the beginning of a magic number may be a section after all.
                if matches!(self.core.phase, Phase::SectionStart)
                    && let Step::Took(count) = self.core.section_start(&self.window)?
                {
                    self.window.drain(..count);
                    continue;
                }
                return Err(self.core.end_of_file(eof_at, self.total));
            }
        }
        self.core.finish(self.total)
    }
}

impl<C: BodyCheck> Core<C> {
    fn at_end(&self) -> bool {
        matches!(self.phase, Phase::SectionStart)
    }

    /// Goes on with `bytes`, the first of which is at `self.offset`.
    fn step(&mut self, bytes: &[u8]) -> Result<Step, LoadError> {
        let step = match self.phase {
            Phase::Header => self.header(bytes)?,
            Phase::SectionStart => {
                // A second module after the first would read as a custom section with a bad name.
                if !bytes.is_empty() && bytes.len() < MAGIC.len() && MAGIC.starts_with(bytes) {
                    return Ok(Step::More { wanted: MAGIC.len(), eof_at: self.offset });
                }
                return self.section_start(bytes);
            }
            Phase::Whole { id, len } => self.whole_section(id, len, bytes)?,
            Phase::CodeCount { len } => self.code_count(len, bytes)?,
            Phase::Body { remaining, len } => self.body(remaining, len, bytes)?,
            Phase::DataCount { len } => self.data_count(len, bytes)?,
            Phase::DataSegment { remaining, len } => self.data_segment(remaining, len, bytes)?,
            Phase::DataPayload { remaining, payload, len } => {
                self.data_payload(remaining, payload, len, bytes)?
            }
            Phase::CustomName { len } => self.custom_name(len, bytes)?,
            Phase::CustomSkip { len } => self.custom_skip(len, bytes),
            Phase::Names { len } => self.custom_names(len, bytes),
            Phase::BranchHints { len } => self.custom_branch_hints(len, bytes),
        };
        if let Step::Took(count) = step {
            self.offset += count as u64;
        }
        Ok(step)
    }

    fn header(&mut self, bytes: &[u8]) -> Result<Step, LoadError> {
        if let Some(wanted) = framing::check_header(bytes)? {
            return Ok(Step::More { wanted, eof_at: if wanted == 4 { 0 } else { 4 } });
        }
        self.validated(|validator| validator.version(1, Encoding::Module, &(0..8)))?;
        self.phase = Phase::SectionStart;
        Ok(Step::Took(8))
    }

    fn section_start(&mut self, bytes: &[u8]) -> Result<Step, LoadError> {
        if bytes.starts_with(MAGIC) {
            return Err(self.invalid("expected section, got wasm magic number", self.offset));
        }
        let Some((&id, rest)) = bytes.split_first() else {
            return Ok(Step::More { wanted: 1, eof_at: self.offset });
        };
        if id & 0x80 != 0 {
            return Err(self.invalid("malformed section id", self.offset));
        }
        let Some((len, leb)) = Leb::read_at(rest, self.offset + 1)? else {
            return Ok(Step::More { wanted: bytes.len() + 1, eof_at: self.offset + bytes.len() as u64 });
        };
        let offset = self.offset + 1 + leb as u64;
        let Some(id) = SectionId::from_byte(id) else {
            return Err(self.invalid(format_args!("malformed section id: {id}"), offset));
        };
        self.order.section(id, offset)?;
        (self.section, self.section_offset) = (Some(id), offset);
        if self.sections.len() < MAX_LISTED_SECTIONS {
            let info = SectionInfo { id: bytes[0], name: None, offset, size: len };
            self.sections.try_push(info).map_err(|error| LoadError::memory(error, offset))?;
        }
        self.phase = match id {
            SectionId::Custom => Phase::CustomName { len },
            SectionId::Code => Phase::CodeCount { len },
            SectionId::Data => Phase::DataCount { len },
            _ => Phase::Whole { id, len },
        };
        self.offset = offset;
        Ok(Step::Took(1 + leb))
    }

    fn whole_section(&mut self, id: SectionId, len: u32, bytes: &[u8]) -> Result<Step, LoadError> {
        let Some(contents) = bytes.get(..len as usize) else {
            return Ok(Step::More { wanted: len as usize, eof_at: self.offset });
        };
        self.admit(contents.len())?;
        let offset = self.offset;
        self.section(id, contents, offset)
            .map_err(|error| self.explained(error, Part::Section(id), contents, offset))?;
        let metadata = self.module.charges.metadata.bytes();
        self.limited("bytes of metadata", metadata, self.limits.metadata_bytes)?;
        self.phase = Phase::SectionStart;
        Ok(Step::Took(contents.len()))
    }

    #[cold]
    fn end_of_file(&self, eof_at: u64, total: u64) -> LoadError {
        let stops = format_args!("unexpected end-of-file: the module stops after {}", Count(total, "bytes"));
        let error = |message: core::fmt::Arguments<'_>| LoadError::new(ErrorKind::Invalid, message, eof_at);
        match (total, self.phase, self.section) {
            (0, ..) => error(format_args!("unexpected end-of-file: the input is empty")),
            (_, Phase::Header, _) => error(format_args!("{stops}, inside its header")),
            (_, Phase::SectionStart, _) | (.., None) => {
                error(format_args!("{stops}, where a section starts"))
            }
            (.., Some(id)) => error(format_args!("{stops}, inside {}", id.name())),
        }
    }

    fn finish(mut self, total: u64) -> Result<ModuleInner, LoadError> {
        let at = self.offset;
        let memory = |error| LoadError::memory(error, at);
        self.order.end(at)?;
        self.probe()?;
        third_party(|| self.validator.end(at)).map_err(LoadError::invalid)?;
        let module = &mut self.module;
        let (records, mut charge) = self.records.into_boxed().map_err(memory)?;
        module.bodies.records = records;
        module.bodies.bytes = match self.bodies {
            Source::Static(bytes) => BodyBytes::Static(bytes),
            Source::Copied => {
                let (chunks, chunks_charge) = self.body_chunks.into_boxed().map_err(memory)?;
                charge.merge(chunks_charge);
                BodyBytes::Memory(chunks)
            }
            #[cfg(feature = "std")]
            Source::File(file, key) => {
                let (hashes, hashes_charge) = self.hashes.into_boxed().map_err(memory)?;
                charge.merge(hashes_charge);
                BodyBytes::File { file, key, hashes }
            }
        };
        module.bodies.charge = charge;
        let metadata = &mut module.charges.metadata;
        let charge;
        (module.data, charge) = self.segments.into_boxed().map_err(memory)?;
        metadata.merge(charge);
        let charge;
        (module.sections, charge) = self.sections.into_boxed().map_err(memory)?;
        metadata.merge(charge);
        (module.data_bytes, module.charges.data) = self.data_bytes.into_boxed().map_err(memory)?;
        let before_names = self.peak_before_names.unwrap_or_else(|| module.budget.peak());
        let named = self.names.held();
        module.names = self.names.finish();
        module.branch_hints = self.branch_hints.finish();
        let last = module.budget.used() - named.min(module.budget.used());
        module.load_peak = before_names.max(last);
        module.size = total;
        #[cfg(feature = "snapshot")]
        {
            module.digest = self.digest.map(Digesting::finish);
        }
        #[cfg(any(feature = "coredump", feature = "snapshot"))]
        {
            module.validated = self.validated;
            if let Some(validated) = &mut module.validated {
                // What the validator may have forgotten by now is charged on.
                validated.charge.merge(self.scratch);
            }
        }
        Ok(self.module)
    }
}
