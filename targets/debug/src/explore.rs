//! A module's functions side by side: as WebAssembly, as the interpreter's cells, and as machine code.

mod html;
mod machine;
mod text;

use crate::demangle::demangle;
use dunlin::Module;
use dunlin_jit::aot::{Compile, machine_code};
use std::io::{self, Write};

/// What [`explore`] shows.
#[derive(Clone, Copy, Debug)]
pub struct Explored<'e> {
    /// The module.
    pub module: &'e Module,
    /// Its bytes, in the binary format.
    pub bytes: &'e [u8],
    /// What the page calls it.
    pub name: &'e str,
    /// How it is compiled; without this, there is no machine code.
    pub how: Option<&'e Compile>,
}

/// A function in its forms.
struct Function {
    index: u32,
    name: String,
    /// Lines of the text format, with the offsets in the module of those that have one.
    text: Vec<(Option<u64>, String)>,
    cells: String,
    /// Instructions of machine code, with the offset in the module that some of them are from.
    machine: Vec<(Option<u64>, String)>,
}

/// Writes a page of HTML that shows each function that the module defines: in the text format, beside the cells that the
/// interpreter executes, and the machine code that the compiled tier makes of it. It consists of one file, and refers to no
/// other. Whoever points at an instruction sees what was made of it, as far as the compiler keeps that.
///
/// ```
/// use dunlin::{Engine, Module};
/// use dunlin_debug::{Explored, explore};
/// use dunlin_jit::aot::{Compile, Target};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let bytes = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/modules/lines.wasm"))?;
/// let module = Module::new(&Engine::default(), &bytes)?;
/// let how = Compile::new(Target::X86_64);
/// let mut page = Vec::new();
/// explore(&Explored { module: &module, bytes: &bytes, name: "lines.wasm", how: Some(&how) }, &mut page)?;
/// assert!(page.starts_with(b"<!DOCTYPE html>"));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// If writing fails; or, with a sentence that says why, if the module can't be shown.
pub fn explore(explored: &Explored<'_>, out: &mut dyn Write) -> io::Result<()> {
    html::page(out, explored, &functions(explored).map_err(io::Error::other)?)
}

fn functions(explored: &Explored<'_>) -> Result<Vec<Function>, String> {
    let Explored { module, bytes, how, .. } = *explored;
    let cells = dunlin::testing::disassemble(module).map_err(|error| error.to_string())?;
    let texts = text::functions(bytes)?;
    let imported = module.func_count() - cells.len() as u32;
    let mut functions: Vec<Function> = cells
        .into_iter()
        .zip(texts)
        .zip(imported..)
        .map(|((cells, text), index)| {
            let name = module.func_name(index).map_or_else(|| format!("function {index}"), demangle);
            Function { index, name, text, cells, machine: Vec::new() }
        })
        .collect();
    if let Some(how) = how {
        for code in machine_code(module, how)? {
            if let Some(function) = functions.get_mut((code.func_index - imported) as usize) {
                function.machine = machine::instructions(how.target, &code);
            }
        }
    }
    Ok(functions)
}
