use crate::memory::{Kind, MemoryError};
use crate::module::types::ValType;
use crate::ops::Class;
use crate::runtime::debug::Debugging;
use crate::runtime::exec::Frame;
use crate::runtime::store::StoreInner;
use crate::{AsContext, Error, Instance, Module, Store, SuspendedCall, Val};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::ControlFlow;
use wasmparser::BinaryReader;

impl<T> Store<T> {
    /// Where [resumable calls](crate::Func::call_resumable) stop; `None` unless the engine debugs: see
    /// [`Config::guest_debug`](crate::Config::guest_debug). Other calls don't stop, nor does what a host function calls.
    ///
    /// ```
    /// # #[cfg(feature = "wat")] {
    /// use dunlin::{Breakpoint, Config, Engine, Instance, Module, ResumableCall, Store, Val};
    /// use std::ops::ControlFlow;
    /// let engine = Engine::new(Config::new().guest_debug(true))?;
    /// let module = Module::new(&engine, r#"(module (func (export "twice") (param i32) (result i32)
    ///     (i32.add (local.get 0) (local.get 0))))"#)?;
    /// let mut store = Store::new(&engine, ());
    /// let twice = Instance::new(&mut store, &module, &[])?.get_func(&store, "twice").unwrap();
    /// store.edit_breakpoints().unwrap().single_step(true);
    /// let (mut results, mut stacks) = ([Val::I32(0)], Vec::new());
    /// let mut call = twice.call_resumable(&mut store, &[Val::I32(21)], &mut results)?;
    /// while let ResumableCall::Suspended(suspended) = call {
    ///     assert!(suspended.reason().downcast_ref::<Breakpoint>().is_some());
    ///     suspended.debug_frames(&store, |frame| {
    ///         assert_eq!(frame.locals().unwrap()[0].unwrap_i32(), 21);
    ///         stacks.push(frame.stack().unwrap().len());
    ///         ControlFlow::Break(())
    ///     });
    ///     call = suspended.resume(&mut store, &mut results)?;
    /// }
    /// // Before local.get, local.get, i32.add and the end.
    /// assert_eq!((stacks, results[0].unwrap_i32()), (vec![0, 1, 2, 1], 42));
    /// # }
    /// # Ok::<(), dunlin::Error>(())
    /// ```
    pub fn edit_breakpoints(&mut self) -> Option<BreakpointEdit<'_>> {
        let inner = crate::AsContextMut::as_context_mut(self).into_parts().0;
        if !inner.engine.translation().guest_debug {
            return None;
        }
        let budget = &inner.budget;
        Some(BreakpointEdit(inner.debugging.get_or_insert_with(|| Box::new(Debugging::new(budget)))))
    }
}

/// Changes where a store's resumable calls stop: see [`Store::edit_breakpoints`].
pub struct BreakpointEdit<'s>(&'s mut Debugging);

impl BreakpointEdit<'_> {
    /// Has calls stop before the first instruction at or behind this offset in the module's bytes that can be reached. Gives its
    /// offset; `None` if the offset is in no function.
    ///
    /// # Errors
    ///
    /// If there is no memory for it.
    pub fn add_breakpoint(&mut self, module: &Module, offset: u32) -> Result<Option<u32>, Error> {
        let found = instruction(module, offset)?;
        if let Some(offset) = found {
            self.0.add(module, offset)?;
        }
        Ok(found)
    }

    /// Takes back what [`BreakpointEdit::add_breakpoint`] did with the same offset.
    ///
    /// # Errors
    ///
    /// If there is no memory to find the instruction.
    pub fn remove_breakpoint(&mut self, module: &Module, offset: u32) -> Result<(), Error> {
        if let Some(offset) = instruction(module, offset)? {
            self.0.remove(module, offset);
        }
        Ok(())
    }

    /// Whether calls stop before each instruction.
    pub fn single_step(&mut self, enabled: bool) {
        self.0.single_step = enabled;
    }
}

fn instruction(module: &Module, offset: u32) -> Result<Option<u32>, Error> {
    let shared = module.shared();
    let Some(func) = shared.func_at(offset) else { return Ok(None) };
    Ok(shared.state_at(func, offset.into())?.map(|state| state.offset as u32))
}

impl SuspendedCall {
    /// Calls `visit` with the frames of WebAssembly functions, innermost first, until it breaks off. Where the call has stopped
    /// at a [`Breakpoint`](crate::Breakpoint), all their values are there; otherwise the innermost frame's operands may be out of
    /// date.
    ///
    /// # Panics
    ///
    /// If it belongs to another store.
    pub fn debug_frames(
        &self,
        store: impl AsContext,
        mut visit: impl FnMut(DebugFrame<'_>) -> ControlFlow<()>,
    ) {
        let store = store.as_context();
        let store = store.inner();
        if let Some(exec) = self.suspended_in(store) {
            exec.visit_frames(store.engine.dispatch(), &mut |frame| visit(DebugFrame { store, frame }));
        }
    }
}

/// The frame of a WebAssembly function, while [`SuspendedCall::debug_frames`] shows it.
pub struct DebugFrame<'f> {
    store: &'f StoreInner,
    frame: &'f Frame<'f>,
}

impl DebugFrame<'_> {
    /// The instance whose function it is.
    pub fn instance(&self) -> Instance {
        // SAFETY: instances live as long as their store.
        Instance::from_raw(self.store, unsafe { (*(*self.frame.vm).instance).handle })
    }

    /// The module of the function.
    pub fn module(&self) -> &Module {
        self.frame.module
    }

    /// The function's index in its module, imports first.
    pub fn func_index(&self) -> u32 {
        self.frame.func
    }

    /// The offset in the module's bytes of the instruction that comes next, or of the call that is under way; `None` if there is
    /// no memory to find it.
    pub fn offset(&self) -> Option<u32> {
        self.module().shared().offset_of(self.defined(), self.frame.word).map(|offset| offset as u32)
    }

    /// The offset of the instruction that comes next in this frame: behind the call, if one is under way. It is what debuggers
    /// take for a return address.
    pub fn next_offset(&self) -> Option<u32> {
        let offset = self.offset()?;
        if !self.frame.calls {
            return Some(offset);
        }
        let state = self.module().shared().state_at(self.defined(), u64::from(offset) + 1);
        state.ok().flatten().map(|state| state.offset as u32)
    }

    /// The function's parameters and other locals.
    ///
    /// # Errors
    ///
    /// If there is no memory for them.
    pub fn locals(&self) -> Result<Vec<Val>, Error> {
        let shared = self.module().shared();
        let start = shared.data.bodies.file_offset(self.defined());
        let Some(state) = shared.state_at(self.defined(), start)? else { return Ok(Vec::new()) };
        let mut types: Vec<_> = shared.data.func_type(self.frame.func).params().collect();
        let budget = &shared.data.budget;
        let body = shared.data.bodies.with_body(self.defined(), budget, |body| declared(body, &mut types));
        if !matches!(body, Ok(Ok(()))) {
            return Err(crate::Trap::ModuleChanged.into());
        }
        let typed = state.locals.iter().zip(types);
        listed(typed.map(|(&(slot, _), ty)| self.value(slot, ty)))
    }

    /// The operands, from the bottom of the stack. In a frame with a call under way, its arguments are among them, where its
    /// callee may have changed them. Dunlin doesn't keep operands' types: an `i32` and a reference are shown as an `i64`, the
    /// upper bits of which are 0.
    ///
    /// # Errors
    ///
    /// If there is no memory for them.
    pub fn stack(&self) -> Result<Vec<Val>, Error> {
        let Some(offset) = self.offset() else { return Ok(Vec::new()) };
        let state = self.module().shared().state_at(self.defined(), offset.into())?;
        let operands = state.map(|state| state.operands);
        let value = |&(slot, class): &(u16, Class)| {
            let ty = match class {
                Class::Int => ValType::I64,
                Class::F32 => ValType::F32,
                Class::F64 => ValType::F64,
                Class::V128 => ValType::V128,
            };
            self.value(slot, ty)
        };
        listed(operands.as_deref().unwrap_or_default().iter().map(value))
    }

    fn value(&self, slot: u16, ty: ValType) -> Val {
        // SAFETY: the frame has this slot, with a value of this type, or of its class if it is an integer.
        unsafe {
            let slots = core::slice::from_raw_parts(self.frame.sp.add(slot.into()), ty.slots() as usize);
            Val::from_raw(self.store, ty, slots)
        }
    }

    /// The function's index among those that the module defines.
    fn defined(&self) -> u32 {
        self.frame.func - self.module().shared().data.imported_funcs
    }
}

/// A list of values, if there is memory for it.
fn listed(values: impl ExactSizeIterator<Item = Val>) -> Result<Vec<Val>, Error> {
    let mut list = Vec::new();
    let bytes = values.len() * size_of::<Val>();
    list.try_reserve_exact(values.len()).map_err(|_| MemoryError::system(Kind::Host, bytes as u64))?;
    list.extend(values);
    Ok(list)
}

/// Adds the types of the locals that a body declares.
fn declared(body: &[u8], types: &mut Vec<ValType>) -> wasmparser::Result<()> {
    let mut reader = BinaryReader::new(body, 0);
    for _ in 0..reader.read_var_u32()? {
        let count = reader.read_var_u32()?;
        let ty = ValType::from_wasmparser(reader.read()?).unwrap_or(ValType::I64);
        types.extend(core::iter::repeat_n(ty, count as usize));
    }
    Ok(())
}

impl core::fmt::Debug for DebugFrame<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (func, offset) = (self.func_index(), self.offset());
        f.debug_struct("DebugFrame")
            .field("func_index", &func)
            .field("offset", &offset)
            .finish_non_exhaustive()
    }
}

impl core::fmt::Debug for BreakpointEdit<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("BreakpointEdit").finish_non_exhaustive()
    }
}
