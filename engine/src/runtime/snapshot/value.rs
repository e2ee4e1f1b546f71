//! Values, each with its type in front.

use super::format::{Reader, Writer};
use super::names::{Found, Name, Names};
use super::wrong;
use crate::module::types::{HeapType, RefType, ValType};
use crate::runtime::error::Error;
use crate::runtime::store::StoreInner;
use crate::runtime::store::exceptions::ExnObj;
use std::io::Read;

const NULL: u8 = 0;
const DEFINED: u8 = 1;
const HOST: u8 = 2;

impl Writer<'_> {
    /// A value in the format of slots.
    pub(super) fn value(
        &mut self,
        names: &mut Names<'_>,
        ty: ValType,
        [low, high]: [u64; 2],
    ) -> Result<(), Error> {
        self.u8(ty.code())?;
        match ty {
            ValType::I32 | ValType::F32 => self.u32(low as u32),
            ValType::I64 | ValType::F64 => self.u64(low),
            ValType::V128 => {
                self.u64(low)?;
                self.u64(high)
            }
            ValType::Ref(ty) => self.reference(names, ty, low),
        }
    }

    /// A reference, without its type.
    pub(super) fn reference(&mut self, names: &mut Names<'_>, ty: RefType, slot: u64) -> Result<(), Error> {
        if slot != 0 && ty.heap_type() == HeapType::Exn {
            // SAFETY: a slot of this type has the address of an exception of the store, which nobody else uses meanwhile.
            return unsafe { self.exception(names, slot as *const ExnObj) };
        }
        match names.reference(ty, slot)? {
            None => self.u8(NULL),
            Some(name) => self.name(name),
        }
    }

    pub(super) fn name(&mut self, name: Name) -> Result<(), Error> {
        match name {
            Name::Defined(instance, index) => {
                self.u8(DEFINED)?;
                self.u32(instance)?;
                self.u32(index)
            }
            Name::Host(number) => {
                self.u8(HOST)?;
                self.u32(number)
            }
        }
    }
}

impl<R: Read> Reader<R> {
    /// A value of this type, in the format of slots. With `or_null`, a reference may be null whatever its type: that is what locals are
    /// before they are set.
    pub(super) fn value(
        &mut self,
        store: &mut StoreInner,
        found: &Found,
        ty: ValType,
        or_null: bool,
    ) -> Result<[u64; 2], Error> {
        let code = self.u8()?;
        if code != ty.code() {
            return Err(wrong(format_args!("a value has type {code:#x}, not {ty}")));
        }
        Ok(match ty {
            ValType::I32 | ValType::F32 => [self.u32()?.into(), 0],
            ValType::I64 | ValType::F64 => [self.u64()?, 0],
            ValType::V128 => [self.u64()?, self.u64()?],
            ValType::Ref(ty) => [self.reference(store, found, ty, or_null)?, 0],
        })
    }

    /// A value of any type, which isn't looked at.
    pub(super) fn skip_value(&mut self) -> Result<(), Error> {
        self.skip_value_at(0)
    }

    /// The same for one that so many exceptions are around.
    pub(super) fn skip_value_at(&mut self, depth: u32) -> Result<(), Error> {
        match self.u8()? {
            0x7f | 0x7d => drop(self.u32()?),
            0x7e | 0x7c => drop(self.u64()?),
            0x7b => drop([self.u64()?, self.u64()?]),
            0x70 | 0x6f => drop(self.name()?),
            0x69 => self.skip_exception(depth)?,
            code => return Err(wrong(format_args!("a value has type {code:#x}"))),
        }
        Ok(())
    }

    /// A reference of this type.
    pub(super) fn reference(
        &mut self,
        store: &mut StoreInner,
        found: &Found,
        ty: RefType,
        or_null: bool,
    ) -> Result<u64, Error> {
        let null = || match ty.is_nullable() || or_null {
            true => Ok(0),
            false => Err(wrong(format_args!("a {ty} is null"))),
        };
        if ty.heap_type() == HeapType::Exn {
            let exception = self.exception(store, found)?;
            return exception.map_or_else(null, |exception| Ok(exception.as_ptr() as u64));
        }
        let Some(name) = self.name()? else { return null() };
        let func = found.func(store, name)?.ok_or_else(|| wrong("a reference is to no function"))?;
        // SAFETY: function objects live as long as the store.
        let sig = unsafe { func.as_ref() }.sig;
        let is_of_type = match ty.heap_type() {
            HeapType::Func => true,
            HeapType::ConcreteFunc(wanted) => sig == wanted.0 || store.engine.is_subtype(sig, wanted.0),
            HeapType::Extern | HeapType::Exn => false,
        };
        if is_of_type {
            Ok(func.as_ptr() as u64)
        } else {
            Err(wrong(format_args!("a {ty} refers to something else")))
        }
    }

    /// What something is called; `None` for null.
    pub(super) fn name(&mut self) -> Result<Option<Name>, Error> {
        Ok(match self.u8()? {
            NULL => None,
            DEFINED => Some(Name::Defined(self.u32()?, self.u32()?)),
            HOST => Some(Name::Host(self.u32()?)),
            _ => return Err(wrong("a name is of no kind")),
        })
    }
}
