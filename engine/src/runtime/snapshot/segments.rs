//! What active data segments make of an instance's own memories: the pages that a snapshot can leave out.

use super::PAGE;
use crate::memory::{Buf, Kind};
use crate::module::DataMode;
use crate::runtime::error::Error;
use crate::runtime::store::{InstanceObj, StoreInner};
use core::ptr::NonNull;

/// A segment in a memory.
#[derive(Clone, Copy)]
struct Placed {
    start: u64,
    len: u32,
    segment: u32,
}

/// The active segments of one of an instance's own memories.
pub(super) struct Segments {
    instance: NonNull<InstanceObj>,
    /// By where they start.
    placed: Buf<Placed>,
    /// The first that starts behind the pages that were asked for, and those before it that don't end before them.
    next: usize,
    touching: Buf<Placed>,
}

impl Segments {
    /// Whether a module still has the bytes of its active segments.
    pub(super) fn are_there(instance: &InstanceObj) -> bool {
        let mut segments = instance.module.shared().data.data.iter();
        segments.all(|segment| !matches!(segment.mode, DataMode::InImage { .. }))
    }

    /// # Safety
    /// The instance is of the store, and complete.
    pub(super) unsafe fn of(
        store: &mut StoreInner,
        instance: NonNull<InstanceObj>,
        memory: u32,
    ) -> Result<Self, Error> {
        // SAFETY: the caller's contract: objects live as long as the store.
        let (data, vm) = unsafe { (&instance.as_ref().module.shared().data, instance.as_ref().vm()) };
        let ty = data.memories[memory as usize];
        let size = ty.minimum().saturating_mul(ty.page_size());
        let mut placed = Buf::new(&store.budget, Kind::Host);
        for (segment, of) in data.data.iter().enumerate() {
            if let DataMode::Active { memory: to, offset } = &of.mode
                && *to == memory
            {
                // SAFETY: what validation lets an offset name is there.
                let start = unsafe { store.eval(vm, offset)?[0] };
                if start.checked_add(of.len.into()).is_none_or(|end| end > size) {
                    // It failed, and those behind it weren't applied.
                    break;
                }
                placed.try_push(Placed { start, len: of.len, segment: segment as u32 })?;
            }
        }
        placed.sort_unstable_by_key(|placed| (placed.start, placed.segment));
        Ok(Self { instance, placed, next: 0, touching: Buf::new(&store.budget, Kind::Host) })
    }

    /// The page that begins at `start`, as the segments make it; `None` if none touches it. Pages are asked for in order.
    pub(super) fn page(&mut self, start: u64) -> Result<Option<[u8; PAGE]>, Error> {
        let end = start + PAGE as u64;
        self.touching.retain(|placed| placed.end() > start);
        let before = self.touching.len();
        while let Some(placed) = self.placed.get(self.next).filter(|placed| placed.start < end) {
            self.next += 1;
            if placed.end() > start {
                self.touching.try_push(*placed)?;
            }
        }
        if self.touching.len() != before {
            // Later segments overwrite what earlier ones wrote.
            self.touching.sort_unstable_by_key(|placed| placed.segment);
        }
        if self.touching.is_empty() {
            return Ok(None);
        }
        let mut page = [0; PAGE];
        // SAFETY: objects live as long as the store.
        let data = &unsafe { self.instance.as_ref() }.module.shared().data;
        for placed in self.touching.iter() {
            let (first, behind) = (placed.start.max(start), placed.end().min(end));
            let from = &data.data_payload(placed.segment)[(first - placed.start) as usize..];
            let to = &mut page[(first - start) as usize..(behind - start) as usize];
            to.copy_from_slice(&from[..to.len()]);
        }
        Ok(Some(page))
    }
}

impl Placed {
    fn end(&self) -> u64 {
        self.start + u64::from(self.len)
    }
}
