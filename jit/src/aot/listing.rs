//! Machine code to be looked at.

use super::write::{Compile, Whole, compile_all};
use crate::code::{CodeMap, INLINED};
use crate::jobs::on_compiler_stack;
use dunlin::Module;
use dunlin::tier::View;

/// The machine code of a function, for people to read: [`machine_code`] makes it.
#[derive(Clone, Debug)]
pub struct MachineCode {
    /// The function's index in the module's index space (imports first).
    pub func_index: u32,
    /// Its code. Addresses of other functions are as they are relative to it in a file.
    pub code: Vec<u8>,
    /// For those instructions that may trap or call, in ascending order: the offset in `code` of the last byte, and the
    /// offset in the module that it is from.
    pub sites: Vec<(u32, u64)>,
}

/// Compiles all functions of a module that can be compiled, as [`compile`](super::compile) does.
///
/// # Errors
/// A sentence that says why it can't be compiled.
pub fn machine_code(module: &Module, how: &Compile) -> Result<Vec<MachineCode>, String> {
    let view = View::new(module);
    let Whole { batch, .. } = on_compiler_stack(|| compile_all(view, how, &|_, _| {}))
        .map_err(|error| format!("no stack for the compiler: {error}"))??;
    let ranges = batch.map.function_ranges();
    let functions = ranges.map(|(start, end, index)| {
        let offset = |at: u32| Some((at - start, module_offset(&batch.map, batch.map.site_at(at)?)?));
        MachineCode {
            func_index: view.imported_funcs() + index,
            code: batch.code[start as usize..end as usize].to_vec(),
            sites: (start..end).filter_map(offset).collect(),
        }
    });
    Ok(functions.collect())
}

/// The offset in the module that a position stands for: of the innermost function, if that was inlined.
fn module_offset(map: &CodeMap, position: u32) -> Option<u64> {
    match position & INLINED {
        0 => Some(position.into()),
        _ => map.inlined(position & !INLINED).map(|inlined| inlined.offset.into()),
    }
}
