//! What can't be translated is refused while it is loaded, never at its first call.

use super::error::Cause;
use super::function::translate;
use super::translator::{Env, Settings, class_of};
use crate::module::ModuleInner;
use crate::module::estimate::BodyStats;
use crate::module::load_error::{ErrorKind, LoadError};
use crate::ops::Class;
use crate::ops::frame::{HEADER, MAX_SLOTS, VmLayout, header_of, slots};
use crate::stream::BodyCheck;
use wasmparser::FunctionBody;

/// Admits the bodies that an engine can translate.
pub(crate) struct Translatable {
    settings: Settings,
    /// The largest header of any function type in the module, once a body was seen.
    widest: Option<u32>,
}

impl Translatable {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, widest: None }
    }
}

impl BodyCheck for Translatable {
    fn body(
        &mut self,
        module: &ModuleInner,
        func: u32,
        body: &FunctionBody<'_>,
        stats: BodyStats,
    ) -> Result<(), LoadError> {
        let widest =
            *self.widest.get_or_insert_with(|| module.types.iter().map(header_of).max().unwrap_or(0));
        let ty = module.func_type(func);
        // Behind a `catch` there is one operand more.
        let operands = if stats.catches > 0 {
            stats.max_operands.saturating_add(stats.max_control_depth)
        } else {
            stats.max_operands
        };
        // If they fit even if all locals were vectors, which locals there are doesn't matter.
        if fits(header_of(ty), u64::from(stats.locals) * Class::V128.slots() as u64, operands, widest) {
            return Ok(());
        }
        let mut locals = slots(ty.params()) as u64;
        let groups = body.get_locals_reader().map_err(LoadError::invalid)?;
        for group in groups {
            let (n, ty) = group.map_err(LoadError::invalid)?;
            locals += n as u64 * class_of(ty).slots() as u64;
        }
        if fits(header_of(ty), locals, operands, widest) {
            return Ok(());
        }
        // The bound is a rough one; translating tells exactly.
        let layout = VmLayout::new(module);
        let env = Env {
            data: module,
            sigs: &[],
            layout,
            budget: module.charges.metadata.budget(),
            settings: self.settings,
        };
        let offset = body.range().start;
        match translate(&env, func, body.as_bytes(), offset, super::Wanted::Cells) {
            Ok(_) => Ok(()),
            Err(e) => Err(match e.cause() {
                Cause::TooManySlots => {
                    let message = format_args!("function {func} needs more than {MAX_SLOTS} slots");
                    LoadError::new(ErrorKind::Limit, message, offset)
                }
                Cause::Memory(error) => LoadError::memory(error, offset),
                cause @ Cause::Changed => LoadError::new(ErrorKind::OutOfBudget, cause, offset),
            }),
        }
    }
}

/// Whether a function with so many slots of locals and so many operands at most is sure to be translatable.
fn fits(header: u32, locals: u64, operands: u32, widest: u32) -> bool {
    let widest_operand = Class::V128.slots() as u64;
    // Operands, then a callee's header and what a host function may leave beyond it.
    let above = operands as u64 * widest_operand + (widest + HEADER + 2) as u64;
    (header + HEADER) as u64 + locals + above <= MAX_SLOTS as u64
}
