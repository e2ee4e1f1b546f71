//! References to exceptions: each is written where the first reference to it is, and called by its number after that.

use super::format::{Reader, Writer};
use super::names::{Found, Names};
use super::{refused, wrong};
use crate::memory::{Buf, Kind};
use crate::module::ExternKind;
use crate::ops::Class;
use crate::runtime::error::Error;
use crate::runtime::store::StoreInner;
use crate::runtime::store::exceptions::ExnObj;
use core::ptr::NonNull;
use std::io::Read;

const NULL: u8 = 0;
const KNOWN: u8 = 3;
const NEW: u8 = 4;

/// How deeply exceptions may carry each other: both directions are recursive.
const MOST_DEPTH: u32 = 64;

impl Writer<'_> {
    /// # Safety
    /// It is an exception of a live store, which isn't used in another way meanwhile.
    pub(super) unsafe fn exception(
        &mut self,
        names: &mut Names<'_>,
        exception: *const ExnObj,
    ) -> Result<(), Error> {
        if let Some(number) = names.exceptions.numbers.get(&(exception as usize)) {
            self.u8(KNOWN)?;
            return self.u32(*number);
        }
        if names.exceptions.depth == MOST_DEPTH {
            return Err(refused("exceptions carry each other too deeply"));
        }
        names.exceptions.depth += 1;
        // SAFETY: the caller's contract; a tag lives as long as its store.
        let (tag, values) = unsafe { ((*exception).tag, &(&(*exception).values)) };
        // SAFETY: as before.
        let ty = names.exceptions.engine.known_type(unsafe { tag.as_ref() }.sig);
        let name = names.other(tag.as_ptr() as usize, ExternKind::Tag)?;
        self.u8(NEW)?;
        self.name(name)?;
        self.u32(ty.params().len() as u32)?;
        let mut slot = 0;
        for ty in ty.params() {
            let high = if Class::of(ty) == Class::V128 { values[slot + 1] } else { 0 };
            self.value(names, ty, [values[slot], high])?;
            slot += ty.slots() as usize;
        }
        let exceptions = &mut names.exceptions;
        exceptions.depth -= 1;
        exceptions.numbers.try_insert(exception as usize, exceptions.count)?;
        exceptions.count += 1;
        Ok(())
    }
}

impl<R: Read> Reader<R> {
    /// A reference to an exception; `None` for null.
    pub(super) fn exception(
        &mut self,
        store: &mut StoreInner,
        found: &Found,
    ) -> Result<Option<NonNull<ExnObj>>, Error> {
        match self.u8()? {
            NULL => return Ok(None),
            KNOWN => {
                let number = self.u32()?;
                let known = found.exceptions.all.borrow().get(number as usize).copied();
                return known.map(Some).ok_or_else(|| wrong("a reference is to no exception"));
            }
            NEW => {}
            _ => return Err(wrong("a reference to an exception is of no kind")),
        }
        let depth = &found.exceptions.depth;
        if depth.replace(depth.get() + 1) == MOST_DEPTH {
            return Err(wrong("exceptions carry each other too deeply"));
        }
        let name = self.name()?.ok_or_else(|| wrong("a tag has no name"))?;
        let tag = found.tag(store, name).ok_or_else(|| wrong("a name is of no tag"))?;
        // SAFETY: tags live as long as their store.
        let (sig, slots) = unsafe { (tag.as_ref().sig, tag.as_ref().slots) };
        let ty = store.engine.known_type(sig);
        if self.u32()? != ty.params().len() as u32 {
            return Err(wrong("an exception carries other values"));
        }
        let mut values = Buf::with_capacity(&store.budget, Kind::Host, slots as usize)?;
        for ty in ty.params() {
            let value = self.value(store, found, ty, false)?;
            values.try_extend_from_slice(&value[..ty.slots() as usize])?;
        }
        depth.set(depth.get() - 1);
        let exception = store.restored_exception(tag, &values)?;
        found.exceptions.all.borrow_mut().try_push(exception)?;
        Ok(Some(exception))
    }

    /// A reference to an exception, which isn't looked at.
    pub(super) fn skip_exception(&mut self, depth: u32) -> Result<(), Error> {
        match self.u8()? {
            NULL => Ok(()),
            KNOWN => self.u32().map(drop),
            NEW if depth < MOST_DEPTH => {
                self.name()?;
                for _ in 0..self.u32()? {
                    self.skip_value_at(depth + 1)?;
                }
                Ok(())
            }
            _ => Err(wrong("a reference to an exception is of no kind")),
        }
    }
}
