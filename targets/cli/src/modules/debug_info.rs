//! The debug information of the module that is run: read from its file again, once its guest has trapped.

use dunlin::{FrameInfo, WasmBacktrace};
use std::ffi::OsString;

/// A backtrace in words, and what is known of each of its frames besides.
pub(crate) struct Shown {
    pub(crate) text: String,
    /// For each frame: the functions there, innermost first.
    pub(crate) symbols: Vec<Vec<Symbol>>,
}

/// A function at a place, as far as it is known.
pub(crate) struct Symbol {
    pub(crate) name: Option<String>,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
    pub(crate) column: Option<u32>,
}

/// Where debug information is to be had.
#[derive(Debug)]
pub(crate) struct DebugSource {
    /// The module's file; `None` if it isn't wanted, or if what was read can't be read again. Nothing is asked of the
    /// system before a trap.
    path: Option<OsString>,
}

impl DebugSource {
    /// The module as the command line names it, if debug information is wanted.
    pub(crate) fn new(module: &OsString, wanted: bool) -> Self {
        Self { path: (wanted && module != "-").then(|| module.clone()) }
    }
}

#[cfg(not(feature = "debug-info"))]
impl DebugSource {
    /// Names as they are in the module.
    pub(crate) fn show(&self, backtrace: &WasmBacktrace) -> Shown {
        let _ = &self.path;
        let symbols = backtrace.frames().iter().map(|_: &FrameInfo| Vec::new()).collect();
        Shown { text: backtrace.to_string(), symbols }
    }
}

#[cfg(feature = "debug-info")]
impl DebugSource {
    /// The most memory that debug information may take.
    const LIMIT: u64 = 64 << 20;

    /// Shows lines and inlined functions, if the module's file has them and the budget has room.
    pub(crate) fn show(&self, backtrace: &WasmBacktrace) -> Shown {
        use dunlin_debug::Backtrace;
        let known = match &self.path {
            Some(path) => self::read(path, backtrace),
            None => Backtrace::new(backtrace, None),
        };
        let symbol = |symbol: &dunlin_debug::FrameSymbol| Symbol {
            name: symbol.name().map(str::to_owned),
            file: symbol.file().map(str::to_owned),
            line: symbol.line(),
            column: symbol.column(),
        };
        let symbols = known.symbols().iter().map(|of_frame| of_frame.iter().map(symbol).collect());
        Shown { symbols: symbols.collect(), text: known.to_string() }
    }
}

/// What the file tells of the backtrace: nothing, if it isn't the module that was loaded, or doesn't fit.
#[cfg(feature = "debug-info")]
fn read<'b>(path: &OsString, backtrace: &'b WasmBacktrace) -> dunlin_debug::Backtrace<'b> {
    use dunlin_debug::{Backtrace, DebugInfo};
    let nothing = || Backtrace::new(backtrace, None);
    let Some(module) = backtrace.frames().first().map(FrameInfo::module) else { return nothing() };
    let budget = module.engine().budget();
    let limit = budget.available().unwrap_or(u64::MAX).min(DebugSource::LIMIT);
    let Ok(_charge) = budget.charge(dunlin::Kind::Host, limit) else { return nothing() };
    // It may have been replaced since, or be a pipe, which would keep whoever opens it waiting.
    if !std::fs::metadata(path).is_ok_and(|data| data.is_file() && data.len() == module.size()) {
        return nothing();
    }
    let Ok(mut file) = std::fs::File::open(path) else { return nothing() };
    match DebugInfo::read(&mut file, limit) {
        Ok(Some(debug_info)) => Backtrace::new(backtrace, Some(&debug_info)),
        _ => nothing(),
    }
}
