//! The data section: the header of each segment is parsed and validated, the payload is streamed.

use wasmparser::{BinaryReader, DataKind, DataSectionReader, Operator};

use super::framing::{Leb, SectionId};
use super::missing::Part;
use super::state::{BodyCheck, Core, Phase, Step};
use crate::memory::limits::{MAX_DATA_SEGMENT_HEADER, MAX_DATA_SEGMENTS};
use crate::memory::pages::Pages;
use crate::memory::{Buf, Kind};
use crate::module::bodies::Source;
use crate::module::const_expr::ConstExpr;
use crate::module::load_error::{ErrorKind, LoadError};
use crate::module::operators;
use crate::module::{DataMode, DataSegment, Image};

/// The header of a segment: everything before its payload.
struct Header<'a> {
    kind: DataKind<'a>,
    /// Its place, if that is an address in memory 0 by a mere constant.
    constant: Option<Constant>,
    /// The bytes up to the payload's size.
    len: usize,
    payload: u32,
    /// The bytes up to the payload.
    total: usize,
}

impl<C: BodyCheck> Core<C> {
    pub(super) fn data_count(&mut self, len: u32, bytes: &[u8]) -> Result<Step, LoadError> {
        let start = self.offset;
        let within = &bytes[..bytes.len().min(len as usize)];
        let Some((count, leb)) = Leb::read_at(within, start)? else {
            if within.len() == len as usize {
                return Err(self.invalid("unexpected end-of-file", start + u64::from(len)));
            }
            return Ok(Step::More { wanted: bytes.len() + 1, eof_at: start });
        };
        if self.limits.data_segments < MAX_DATA_SEGMENTS {
            self.limited("data segments", count.into(), self.limits.data_segments.into())?;
        }
        self.order.data_segments(count, start + u64::from(len))?;
        if count > MAX_DATA_SEGMENTS {
            let message = format_args!("data segments count exceeds limit of {MAX_DATA_SEGMENTS}");
            return Err(self.invalid(message, start));
        }
        self.data_bound = len as usize;
        self.phase = Phase::DataSegment { remaining: count, len: len - leb as u32 };
        Ok(Step::Took(leb))
    }

    pub(super) fn data_segment(&mut self, remaining: u32, len: u32, bytes: &[u8]) -> Result<Step, LoadError> {
        let start = self.offset;
        if remaining == 0 {
            if len > 0 {
                let message = "section size mismatch: unexpected data at the end of the section";
                return Err(self.invalid(message, start));
            }
            self.phase = Phase::SectionStart;
            return Ok(Step::Took(0));
        }
        let within = &bytes[..bytes.len().min(len as usize).min(MAX_DATA_SEGMENT_HEADER)];
        let header = match self.parse_header(within) {
            Ok(header) => header,
            Err(error) if error.message() != "unexpected end-of-file" => {
                return Err(LoadError::invalid(error));
            }
            Err(error) if within.len() == len as usize => return Err(LoadError::invalid(error)),
            Err(_) if within.len() == MAX_DATA_SEGMENT_HEADER => {
                let message = format_args!(
                    "data segment has more than {MAX_DATA_SEGMENT_HEADER} bytes before its payload"
                );
                return Err(LoadError::new(ErrorKind::Limit, message, start));
            }
            Err(_) => {
                let eof_at = self.section_offset;
                return Ok(Step::More { wanted: bytes.len() + 1, eof_at });
            }
        };
        let after = start + header.total as u64;
        let Some(rest) = (len - header.total as u32).checked_sub(header.payload) else {
            return Err(self.invalid("unexpected end-of-file", after));
        };
        self.admit(header.total)?;
        // Nothing can be wrong with a constant in memory 0, and some modules have 100,000 segments.
        let wide = self.module.memories.first().map(|memory| memory.is_64);
        if header.constant.is_none_or(|constant| wide != Some(constant.is_64())) {
            self.validate_header(&within[..header.len])
                .map_err(|error| self.explained(error, Part::Section(SectionId::Data), &[], start))?;
        }
        self.keep_segment(&header)?;
        let Header { payload, total, .. } = header;
        self.phase = Phase::DataPayload { remaining: remaining - 1, payload, len: rest };
        Ok(Step::Took(total))
    }

    fn parse_header<'a>(&self, bytes: &'a [u8]) -> wasmparser::Result<Header<'a>> {
        let mut reader = BinaryReader::new_features(bytes, self.offset, self.features.of_sections());
        let flags = reader.read_var_u32()?;
        let mut constant = None;
        let kind = match flags {
            1 => DataKind::Passive,
            0 => {
                let offset_expr = reader.read()?;
                constant = constant_offset(&offset_expr);
                DataKind::Active { memory_index: 0, offset_expr }
            }
            2 => DataKind::Active { memory_index: reader.read_var_u32()?, offset_expr: reader.read()? },
            // Left to the validator, which has the error message.
            _ => DataKind::Passive,
        };
        let len = reader.current_position();
        let payload = if flags <= 2 { reader.read_var_u32()? } else { 0 };
        Ok(Header { kind, constant, len, payload, total: reader.current_position() })
    }

    /// Shows the validator a section of this segment only, without its payload.
    ///
    /// It keeps no state about data sections (their order and count are ours to check), so that
    /// many sections of one segment are checked as one section of many would be.
    fn validate_header(&mut self, header: &[u8]) -> Result<(), LoadError> {
        let mut section =
            Buf::with_capacity(&self.budget, Kind::Metadata, header.len() + 2).map_err(self.memory())?;
        let parts: [&[u8]; 3] = [&[1], header, &[0]];
        for part in parts {
            section.try_extend_from_slice(part).map_err(self.memory())?;
        }
        // The count is one byte, so the segment is where it was.
        let reader = BinaryReader::new_features(&section, self.offset - 1, self.features.of_sections());
        let section = DataSectionReader::new(reader).map_err(LoadError::invalid)?;
        self.validated(|validator| validator.data_section(&section))
    }

    fn keep_segment(&mut self, header: &Header<'_>) -> Result<(), LoadError> {
        self.into_image = None;
        if let Some(mode) = self.fill_image(header)? {
            let segment = DataSegment { mode, start: 0, len: header.payload };
            return self.segments.try_push(segment).map_err(self.memory());
        }
        let mode = match &header.kind {
            DataKind::Passive => DataMode::Passive,
            DataKind::Active { memory_index, offset_expr } => {
                let offset = match header.constant {
                    Some(offset) => offset.expr(),
                    None => {
                        let (offset, charge) = ConstExpr::parse(offset_expr, &self.budget)?;
                        self.module.charges.metadata.merge(charge);
                        offset
                    }
                };
                DataMode::Active { memory: *memory_index, offset }
            }
        };
        let start = match self.bodies {
            Source::Static(_) => self.offset + header.total as u64,
            _ => self.data_bytes.len() as u64,
        };
        let segment = DataSegment { mode, start: start as u32, len: header.payload };
        self.segments.try_push(segment).map_err(self.memory())
    }

    /// Writes the payload into its memory's image, if that can't be observed.
    ///
    /// A shared memory has no image: its bytes never move. It could be if the memory or a table were imported, since the state before instantiation is complete would be
    /// visible from outside; or if an earlier segment still had to be applied, since later segments overwrite earlier
    /// ones.
    fn fill_image(&mut self, header: &Header<'_>) -> Result<Option<DataMode>, LoadError> {
        let DataKind::Active { memory_index: memory, offset_expr } = &header.kind else { return Ok(None) };
        let module = &mut self.module;
        self.fill_images &= module.imported_memories == 0 && module.imported_tables == 0;
        self.fill_images &= !module.memories.get(*memory as usize).is_some_and(|memory| memory.is_shared);
        let constant = || header.constant.or_else(|| constant_offset(offset_expr));
        let Some(offset) = self.fill_images.then(constant).flatten() else {
            self.fill_images = false;
            return Ok(None);
        };
        let offset = offset.address();
        let images = module.images.get_mut();
        let error = |error| LoadError::memory(error, self.offset);
        let index = match images.iter().position(|image| image.memory == *memory) {
            Some(index) => index,
            None => {
                let sizes = module.memories[*memory as usize].sizes();
                let pages =
                    Pages::new(sizes, &self.budget, self.guard, self.arena.as_ref()).map_err(error)?;
                images.try_push(Image { memory: *memory, pages }).map_err(error)?;
                // Its address space isn't charged, so whatever was found may be gone.
                self.enough_for = 0;
                images.len() - 1
            }
        };
        let end = offset.checked_add(header.payload.into());
        let fits = end.is_some_and(|end| end <= images[index].pages.len() as u64);
        // Instantiation fails at a segment that doesn't fit: later segments must have no effect.
        self.fill_images = fits;
        self.into_image = Some((index, if fits { offset } else { u64::MAX }));
        Ok(Some(DataMode::InImage { fits }))
    }

    pub(super) fn data_payload(
        &mut self,
        remaining: u32,
        payload: u32,
        len: u32,
        bytes: &[u8],
    ) -> Result<Step, LoadError> {
        if payload == 0 {
            self.phase = Phase::DataSegment { remaining, len };
            return Ok(Step::Took(0));
        }
        let section = self.section_offset;
        if bytes.is_empty() {
            return Ok(Step::More { wanted: 1, eof_at: section });
        }
        let now = &bytes[..bytes.len().min(payload as usize)];
        match &mut self.into_image {
            Some((image, offset)) => {
                let images = self.module.images.get_mut();
                // A payload that doesn't fit is dropped.
                if images[*image].pages.write(*offset, now).is_some() {
                    *offset += now.len() as u64;
                }
            }
            None if matches!(self.bodies, Source::Static(_)) => {}
            None => self
                .data_bytes
                .try_extend_streamed(now, self.data_bound)
                .map_err(|error| LoadError::memory(error, section))?,
        }
        self.phase = Phase::DataPayload { remaining, payload: payload - now.len() as u32, len };
        Ok(Step::Took(now.len()))
    }
}

/// A constant address.
#[derive(Clone, Copy)]
enum Constant {
    I32(u32),
    I64(u64),
}

impl Constant {
    fn is_64(self) -> bool {
        matches!(self, Constant::I64(_))
    }

    fn address(self) -> u64 {
        match self {
            Constant::I32(address) => address.into(),
            Constant::I64(address) => address,
        }
    }

    fn expr(self) -> ConstExpr {
        match self {
            Constant::I32(address) => ConstExpr::i32(address),
            Constant::I64(address) => ConstExpr::i64(address),
        }
    }
}

/// The offset, if it is just a constant.
fn constant_offset(expr: &wasmparser::ConstExpr<'_>) -> Option<Constant> {
    let mut reader = expr.get_binary_reader();
    match (operators::read(&mut reader).ok()?, operators::read(&mut reader).ok()?) {
        (Operator::I32Const { value }, Operator::End) => Some(Constant::I32(value.cast_unsigned())),
        (Operator::I64Const { value }, Operator::End) => Some(Constant::I64(value.cast_unsigned())),
        _ => None,
    }
}
