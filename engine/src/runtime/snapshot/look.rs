//! What a snapshot says to who has no modules for it.

use super::call::{AWAITS, CALLS, HOST_FAILED, IN_CALL, INTERRUPTED, MOST_TEXT, OUT_OF_FUEL};
use super::format::Reader;
use super::names::{Name, kind_of};
use super::read::MOST_NAME;
use super::{Part, wrong};
use crate::memory::{Budget, Buf, Kind, MemoryError};
use crate::module::ExternKind;
use crate::runtime::error::Error;
use alloc::string::String;
use alloc::vec::Vec;
use std::io::Read;

/// What a snapshot needs, and where its call stands.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotSummary {
    /// What has to be defined: two names each.
    pub needs: Vec<(String, String)>,
    /// The fuel that is left, if that is counted.
    pub fuel: Option<u64>,
    /// Why the call stopped; `None` if there is no call.
    pub stopped: Option<String>,
    /// Where it stands, from the innermost frame.
    pub frames: Vec<SnapshotFrame>,
}

/// A frame in a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SnapshotFrame {
    /// The number of the instance, in the order in which they were made.
    pub instance: u32,
    /// The function's index in its module, imports first.
    pub func_index: u32,
    /// The offset of the instruction in the function's body.
    pub offset: u32,
    /// Whether that is a call which is under way, or about to be made.
    pub calls: bool,
}

fn pushed<T>(list: &mut Vec<T>, item: T) -> Result<(), Error> {
    list.try_reserve(1).map_err(|_| MemoryError::system(Kind::Host, size_of::<T>() as u64))?;
    list.push(item);
    Ok(())
}

fn text(bytes: Buf<u8>) -> Result<String, Error> {
    let text = core::str::from_utf8(&bytes).map_err(|_| wrong("a text isn't UTF-8"))?;
    Ok(crate::memory::try_text(text).map_err(MemoryError::OutOfMemory)?)
}

/// Reads what follows the head. Its parts aren't compared with each other, which restoring does.
pub(crate) fn look<R: Read>(from: &mut Reader<R>, budget: &Budget) -> Result<SnapshotSummary, Error> {
    let mut summary = SnapshotSummary::default();
    from.part(Part::Names)?;
    for _ in 0..from.u32()? {
        let kind = kind_of(from.u8()?).ok_or_else(|| wrong("a name is of no kind"))?;
        let names = (text(from.counted(budget, MOST_NAME)?)?, text(from.counted(budget, MOST_NAME)?)?);
        pushed(&mut summary.needs, names)?;
        if matches!(kind, ExternKind::Table | ExternKind::Memory) {
            from.u64()?;
        }
    }
    from.skip_to(Part::Call)?;
    let (counts, fuel) = (from.u8()?, from.u64()?);
    summary.fuel = (counts != 0).then_some(fuel);
    if from.u8()? == 0 {
        return Ok(summary);
    }
    from.name()?;
    let reason = match from.u8()? {
        OUT_OF_FUEL => "it ran out of fuel".into(),
        INTERRUPTED => "it was interrupted".into(),
        HOST_FAILED => text(from.counted(budget, MOST_TEXT as u32)?)?,
        _ => return Err(wrong("a call stopped for no reason")),
    };
    summary.stopped = Some(reason);
    for _ in 0..from.u32()? {
        let (instance, func_index, offset) = (from.u32()?, from.u32()?, from.u32()?);
        let calls = from.u8()? == IN_CALL;
        for _ in 0..2 {
            for _ in 0..from.u32()? {
                from.skip_value()?;
            }
        }
        pushed(&mut summary.frames, SnapshotFrame { instance, func_index, offset, calls })?;
    }
    summary.frames.reverse();
    if matches!(from.u8()?, CALLS | AWAITS)
        && let Some(Name::Host(number)) = from.name()?
        && let Some((module, name)) = summary.needs.get(number as usize)
        && let Some(reason) = &mut summary.stopped
    {
        let more = crate::memory::try_text(format_args!("{reason}, at a call of `{module}.{name}`"));
        *reason = more.map_err(MemoryError::OutOfMemory)?;
    }
    Ok(summary)
}
