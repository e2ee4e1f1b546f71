//! A backtrace as it is shown to a programmer.

use crate::demangle::demangle;
use crate::{DebugInfo, FrameSymbol};
use dunlin::{FrameInfo, Module, WasmBacktrace};
use std::fmt;

/// A [`WasmBacktrace`] with demangled names and, where debug information has them, lines and inlined functions. It is shown
/// as the backtrace itself is, with a line behind each function:
///
/// ```text
/// wasm backtrace:
///     0:    0x2b1 - app!divide
///                   at src/app.c:6:21
///                 - inlined into divide_all
///                   at src/app.c:12:16
///     1:    0x30c - app!main
///                   at src/app.c:20:5
/// ```
#[derive(Debug)]
pub struct Backtrace<'b> {
    backtrace: &'b WasmBacktrace,
    symbols: Vec<Vec<FrameSymbol>>,
}

impl<'b> Backtrace<'b> {
    /// Looks up what is known of the backtrace's frames. The debug information is that of the module whose functions
    /// they are; frames of other modules get their names only.
    pub fn new(backtrace: &'b WasmBacktrace, debug_info: Option<&DebugInfo>) -> Self {
        let frames = backtrace.frames();
        let module = frames.first().map(FrameInfo::module);
        let is_of_it = |frame: &FrameInfo| module.is_some_and(|module| Module::same(module, frame.module()));
        // An offset outside the module stands for what isn't known.
        let offsets: Vec<u64> = frames
            .iter()
            .map(|frame| frame.module_offset().filter(|_| is_of_it(frame)).unwrap_or(u64::MAX))
            .collect();
        let symbols = match debug_info {
            Some(debug_info) => debug_info.symbols(&offsets),
            None => vec![Vec::new(); frames.len()],
        };
        Self { backtrace, symbols }
    }

    /// What is known of each frame of the backtrace, in its order: see [`DebugInfo::symbols`].
    pub fn symbols(&self) -> &[Vec<FrameSymbol>] {
        &self.symbols
    }
}

impl fmt::Display for Backtrace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.backtrace.fmt_with(f, &mut |frame, index, f| show(frame, &self.symbols[index], f))
    }
}

/// Writes a frame behind its number.
fn show(frame: &FrameInfo, symbols: &[FrameSymbol], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if let Some(offset) = frame.module_offset() {
        write!(f, "{offset:#8x} - ")?;
    }
    write!(f, "{}!", frame.module_name().unwrap_or("<unnamed>").escape_debug())?;
    let known = symbols.first().and_then(FrameSymbol::name).map(str::to_owned);
    match known.or_else(|| frame.func_name().map(demangle)) {
        Some(name) => write!(f, "{}", name.escape_debug())?,
        None => write!(f, "<wasm function {}>", frame.func_index())?,
    }
    write_places(f, symbols, "                ")
}

/// Writes where functions are, the innermost behind its name, and the names of those that it was inlined in.
fn write_places(f: &mut fmt::Formatter<'_>, symbols: &[FrameSymbol], indent: &str) -> fmt::Result {
    for (number, symbol) in symbols.iter().enumerate() {
        if number > 0 {
            let name = symbol.name().unwrap_or("<unknown>").escape_debug();
            write!(f, "\n{indent}- inlined into {name}")?;
        }
        if symbol.file.is_some() {
            write!(f, "\n{indent}  at {}", Place(symbol))?;
        }
    }
    Ok(())
}

/// Shows what [`DebugInfo::symbols`] finds at one offset, as [`Backtrace`] shows it of a frame: a line for each function's
/// name, and one for its place.
#[derive(Clone, Copy, Debug)]
pub struct Symbols<'s>(pub &'s [FrameSymbol]);

impl fmt::Display for Symbols<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.first().and_then(FrameSymbol::name);
        write!(f, "{}", name.unwrap_or("<unknown>").escape_debug())?;
        write_places(f, self.0, "  ")
    }
}

/// `file:line:column`, as far as they are known.
struct Place<'s>(&'s FrameSymbol);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.file().unwrap_or("<unknown>").escape_debug())?;
        for number in [self.0.line, self.0.column].into_iter().map_while(|number| number) {
            write!(f, ":{number}")?;
        }
        Ok(())
    }
}
