//! The sections of a core dump.

use super::encode::{DATA, GLOBAL, MEMORY, custom, name, section, signed, unsigned, vector};
use crate::memory::Shared;
use crate::runtime::backtrace::WasmBacktrace;
use crate::runtime::coredump::CoreValue;
use crate::runtime::exec;
use crate::runtime::store::{InstanceObj, StoreInner};
use crate::runtime::vmctx::{GlobalObj, MemoryObj};
use crate::{FrameInfo, Module, Mutability, ValType};
use std::io::{self, Write};

/// What is looked at for zeros at a time.
const BLOCK: usize = 4096;

/// What a dump is made of. Memories and globals have the numbers that they have in the store.
pub(super) struct Dump<'s> {
    pub(super) backtrace: &'s WasmBacktrace,
    pub(super) store: &'s StoreInner,
    /// What was executed.
    pub(super) name: &'s str,
    /// How many bytes of memories are written at most.
    pub(super) most: u64,
}

/// A part of a memory that isn't all zeros.
struct Run<'s> {
    memory: &'s MemoryObj,
    start: usize,
    bytes: &'s [u8],
}

impl<'s> Dump<'s> {
    /// Writes the dump, and gives how many bytes of memories there are to be written.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<u64> {
        out.write_all(b"\0asm\x01\0\0\0")?;
        custom(out, "core", &|out| {
            out.write_all(&[0])?;
            name(out, self.name)
        })?;
        custom(out, "coremodules", &|out| self.modules(out))?;
        custom(out, "coreinstances", &|out| self.instances(out))?;
        custom(out, "corestack", &|out| self.stack(out))?;
        section(out, MEMORY, &|out| vector(out, self.memories(), memory))?;
        section(out, GLOBAL, &|out| vector(out, self.globals(), global))?;
        section(out, DATA, &|out| vector(out, self.written_runs(), data))?;
        Ok(self.runs().map(|run| run.bytes.len() as u64).sum())
    }

    fn all_instances(&self) -> impl Iterator<Item = &'s InstanceObj> + Clone {
        let store = self.store;
        // SAFETY: the store's own objects, which live as long as it; it is borrowed.
        (0..store.instances.len()).map(|index| unsafe { store.instances.get(index).as_ref() })
    }

    fn memories(&self) -> impl Iterator<Item = &'s MemoryObj> + Clone {
        let store = self.store;
        // SAFETY: as for instances.
        (0..store.memories.len()).map(|index| unsafe { store.memories.get(index).as_ref() })
    }

    fn globals(&self) -> impl Iterator<Item = &'s GlobalObj> + Clone {
        let store = self.store;
        // SAFETY: as for instances.
        (0..store.globals.len()).map(|index| unsafe { store.globals.get(index).as_ref() })
    }

    /// The first instance of a module, whose number stands for the module.
    fn first_of(&self, module: &Module) -> Option<u32> {
        let of_it = |instance: &&InstanceObj| Shared::ptr_eq(&instance.module.inner, &module.inner);
        self.all_instances().find(of_it).map(|instance| instance.handle)
    }

    /// Modules, by the number of the first instance of each. For the others' numbers, it is repeated.
    fn modules(&self, out: &mut dyn Write) -> io::Result<()> {
        vector(out, self.all_instances(), |out, instance| {
            out.write_all(&[0])?;
            name(out, instance.module.name().unwrap_or(self.name))
        })
    }

    fn instances(&self, out: &mut dyn Write) -> io::Result<()> {
        vector(out, self.all_instances(), |out, instance| {
            out.write_all(&[0])?;
            unsigned(out, self.first_of(&instance.module).unwrap_or(instance.handle).into())?;
            let data = &instance.module.shared().data;
            // SAFETY: the instance's own objects, which live as long as the store.
            vector(out, 0..data.memories.len() as u32, |out, index| unsafe {
                unsigned(out, instance.memory(index).as_ref().inner.handle.into())
            })?;
            // SAFETY: likewise.
            vector(out, 0..data.globals.len() as u32, |out, index| unsafe {
                unsigned(out, instance.global(index).as_ref().handle.into())
            })
        })
    }

    fn stack(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&[0])?;
        name(out, "main")?;
        vector(out, self.backtrace.frames().iter(), |out, frame| self.frame(out, frame))
    }

    fn frame(&self, out: &mut dyn Write, frame: &FrameInfo) -> io::Result<()> {
        out.write_all(&[0])?;
        unsigned(out, frame.instance.1.into())?;
        unsigned(out, frame.func_index().into())?;
        unsigned(out, frame.func_offset().unwrap_or(0))?;
        match frame.locals() {
            Some(locals) => vector(out, locals.iter(), |out, local| value(out, *local))?,
            None => {
                let module = frame.module().shared();
                let count = exec::count_locals(module, frame.func_index(), &self.store.budget);
                vector(out, 0..count.unwrap_or(0), |out, _| value(out, CoreValue::Missing))?;
            }
        }
        let operands = frame.operands().unwrap_or_default();
        vector(out, operands.iter(), |out, operand| value(out, *operand))
    }

    /// The parts of memories that aren't zeros.
    fn runs(&self) -> impl Iterator<Item = Run<'s>> + Clone {
        self.memories().filter(|memory| memory.shared().is_none()).flat_map(|memory| {
            let bytes = memory.bytes();
            let mut at = 0;
            core::iter::from_fn(move || {
                let is_zero =
                    |at: usize| bytes[at..bytes.len().min(at + BLOCK)].iter().all(|byte| *byte == 0);
                while at < bytes.len() && is_zero(at) {
                    at += BLOCK;
                }
                let start = at;
                while at < bytes.len() && !is_zero(at) {
                    at += BLOCK;
                }
                let end = at.min(bytes.len());
                (start < end).then(|| Run { memory, start, bytes: &bytes[start..end] })
            })
        })
    }

    /// The same, as far as they are written.
    fn written_runs(&self) -> impl Iterator<Item = Run<'s>> + Clone {
        let mut left = self.most as usize;
        self.runs().map_while(move |run| {
            let bytes = &run.bytes[..run.bytes.len().min(left)];
            left -= bytes.len();
            (!bytes.is_empty()).then_some(Run { bytes, ..run })
        })
    }
}

fn memory(out: &mut dyn Write, memory: &MemoryObj) -> io::Result<()> {
    let ty = memory.current_type();
    let (page, shared) = (ty.page_size_log2(), u8::from(ty.is_shared()));
    let has_page = page != 16;
    let flags =
        u8::from(ty.maximum().is_some()) | shared << 1 | u8::from(ty.is_64()) << 2 | u8::from(has_page) << 3;
    out.write_all(&[flags])?;
    unsigned(out, ty.minimum())?;
    if let Some(maximum) = ty.maximum() {
        unsigned(out, maximum)?;
    }
    if has_page { unsigned(out, page.into()) } else { Ok(()) }
}

fn global(out: &mut dyn Write, global: &GlobalObj) -> io::Result<()> {
    let ty = global.ty.content();
    let [low, high] = global.value;
    out.write_all(&[ty.code(), u8::from(global.ty.mutability() == Mutability::Var)])?;
    match ty {
        ValType::I32 => {
            out.write_all(&[0x41])?;
            signed(out, (low as i32).into())?;
        }
        ValType::I64 => {
            out.write_all(&[0x42])?;
            signed(out, low as i64)?;
        }
        ValType::F32 => {
            out.write_all(&[0x43])?;
            out.write_all(&(low as u32).to_le_bytes())?;
        }
        ValType::F64 => {
            out.write_all(&[0x44])?;
            out.write_all(&low.to_le_bytes())?;
        }
        ValType::V128 => {
            out.write_all(&[0xfd, 0x0c])?;
            out.write_all(&low.to_le_bytes())?;
            out.write_all(&high.to_le_bytes())?;
        }
        // What it refers to has no name outside the store.
        ValType::Ref(_) => out.write_all(&[0xd0, ty.code()])?,
    }
    out.write_all(&[0x0b])
}

fn data(out: &mut dyn Write, run: Run<'_>) -> io::Result<()> {
    out.write_all(&[2])?;
    unsigned(out, run.memory.inner.handle.into())?;
    if run.memory.inner.ty.is_64() {
        out.write_all(&[0x42])?;
        signed(out, run.start as i64)?;
    } else {
        out.write_all(&[0x41])?;
        signed(out, (run.start as u32 as i32).into())?;
    }
    out.write_all(&[0x0b])?;
    unsigned(out, run.bytes.len() as u64)?;
    out.write_all(run.bytes)
}

fn value(out: &mut dyn Write, value: CoreValue) -> io::Result<()> {
    match value {
        CoreValue::Missing => out.write_all(&[1]),
        CoreValue::I32(value) => {
            out.write_all(&[0x7f])?;
            signed(out, value.into())
        }
        CoreValue::I64(value) => {
            out.write_all(&[0x7e])?;
            signed(out, value)
        }
        CoreValue::F32(bits) => {
            out.write_all(&[0x7d])?;
            out.write_all(&bits.to_le_bytes())
        }
        CoreValue::F64(bits) => {
            out.write_all(&[0x7c])?;
            out.write_all(&bits.to_le_bytes())
        }
    }
}
