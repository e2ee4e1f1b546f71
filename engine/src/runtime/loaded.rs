//! A loaded module with what becomes of it: its code, and what a tier makes of it.

use super::code::{CodeTable, Entries};
use super::error::Error;
use super::plan;
use super::tier::{Ownership, Tiered};
use crate::memory::{Budget, Buf, Charge, Kind, Shared};
use crate::module::ModuleInner;
use crate::module::names::Names;
use crate::ops::frame::VmLayout;
use crate::runtime::engine::{Engine, Sigs};

/// The shared state of a module: the loaded data, the code cache, and compiled code.
pub(crate) struct ModuleShared {
    pub(crate) data: ModuleInner,
    pub(crate) engine: Engine,
    /// The engine-wide number of each type.
    pub(crate) sigs: Sigs,
    pub(crate) layout: VmLayout,
    pub(crate) code: CodeTable,
    /// The compiled code of a tier.
    pub(crate) tiered: Tiered,
    /// What it was loaded from, if the engine's modules keep that.
    pub(crate) bytes: Option<Buf<u8>>,
    _charge: Charge,
}

impl ModuleShared {
    /// `charge` is for this object itself.
    pub(crate) fn new(
        mut data: ModuleInner,
        engine: Engine,
        bytes: Option<Buf<u8>>,
        charge: Charge,
    ) -> Result<Self, Error> {
        let sigs = engine.register_module(&mut data.types, &data.declared)?;
        data.rename_types(&sigs)?;
        let layout = VmLayout::new(&data);
        // Allocate everything else before the reserve, whose size depends on what is left.
        let entries = Entries::lazy(&data)?;
        let tiered = Tiered::new(&data, &engine)?;
        let available = |data: &ModuleInner| {
            data.budget.available().map(|available| available.saturating_sub(Budget::PREPAID_BYTES))
        };
        let cache = match available(&data) {
            // An unlimited budget refuses nothing, so no reserve is needed.
            None => data.budget.clone(),
            Some(mut left) => {
                if left < plan::to_start(&data, &engine) {
                    // Names are dropped first.
                    data.names = Names::default();
                    left = available(&data).unwrap_or(left);
                }
                let reserve = plan::reserve(&data, &engine, left);
                Budget::prepaid(data.budget.charge(Kind::Cells, reserve)?)?
            }
        };
        let code = CodeTable::new(entries, cache, engine.dispatch());
        Ok(Self { data, engine, sigs, layout, code, tiered, bytes, _charge: charge })
    }

    /// The engine-wide number of a function's type.
    pub(crate) fn func_sig(&self, func: u32) -> u32 {
        self.sigs[self.data.funcs[func as usize] as usize]
    }

    /// The engine-wide number of a tag's type.
    pub(crate) fn tag_sig(&self, tag: u32) -> u32 {
        self.sigs[self.data.tags[tag as usize] as usize]
    }
}

/// A module: validated, immutable, and shared by all its clones.
///
/// ```
/// # #[cfg(feature = "wat")] {
/// use dunlin::{Engine, Module};
/// let module = Module::new(&Engine::default(), r#"(module $m (import "env" "f" (func (param i32))))"#)?;
/// let import = module.imports().next().unwrap();
/// assert_eq!((import.module(), import.name()), ("env", "f"));
/// # }
/// # Ok::<(), dunlin::Error>(())
/// ```
#[derive(Clone)]
pub struct Module {
    /// If there is a tier, which may have work on the module. It is dropped first.
    pub(crate) _ownership: Option<Shared<Ownership>>,
    pub(crate) inner: Shared<ModuleShared>,
}

impl Module {
    pub(crate) fn shared(&self) -> &Shared<ModuleShared> {
        &self.inner
    }
}
