//! What is found out about an address.

use super::types::FrameSymbol;
use super::work::Work;

/// How deeply functions may be inlined in each other; those within are left out.
const MAX_INLINED: usize = 64;

/// Longer names are cut.
const LONGEST_NAME: usize = 4 << 10;

/// A place in the source.
#[derive(Clone, Default)]
pub(super) struct Line {
    pub(super) file: Option<String>,
    pub(super) line: Option<u32>,
    pub(super) column: Option<u32>,
}

impl Line {
    /// A copy, without the file if there is no room for it.
    pub(super) fn kept(&self, work: &mut Work) -> Self {
        Self { file: self.file.clone().and_then(|file| work.keep(file)), ..*self }
    }
}

/// What is known of an address.
pub(super) struct Chain {
    address: Option<u64>,
    /// The functions found, outermost first. The second and the others were inlined at these places.
    functions: Vec<(Option<String>, Line)>,
    /// The line of the address itself.
    line: Option<Line>,
}

impl Chain {
    /// `None` is an address that isn't in the code.
    pub(super) fn new(address: Option<u64>) -> Self {
        Self { address, functions: Vec::new(), line: None }
    }

    /// Whether it is worth looking for.
    pub(super) fn is_open(&self) -> bool {
        self.address.is_some() && self.functions.is_empty()
    }

    /// Whether the address is in this range. No function begins at 0, but the linker may put those there that it left out.
    pub(super) fn is_between(&self, begin: u64, end: u64) -> bool {
        begin != 0 && self.address.is_some_and(|address| (begin..end).contains(&address))
    }

    /// The address's line, for the one who finds it.
    pub(super) fn line_mut(&mut self) -> &mut Option<Line> {
        &mut self.line
    }

    /// Whether functions within the last are left out.
    pub(super) fn is_full(&self) -> bool {
        self.functions.len() >= MAX_INLINED
    }

    /// Adds a function, and where it was inlined in the last.
    pub(super) fn add(&mut self, name: Option<String>, call: Line) {
        self.functions.push((name, call));
    }

    /// The functions with their lines, innermost first.
    pub(super) fn into_symbols(self) -> Vec<FrameSymbol> {
        let (names, calls): (Vec<_>, Vec<_>) = self.functions.into_iter().unzip();
        let names = if names.is_empty() { vec![None] } else { names };
        // Where each function executes is where the next inner one was inlined.
        let places = std::iter::once(self.line.unwrap_or_default()).chain(calls.into_iter().skip(1).rev());
        let symbols = names.into_iter().rev().zip(places);
        let symbols =
            symbols.map(|(name, Line { file, line, column })| FrameSymbol { name, file, line, column });
        symbols.filter(|symbol| !symbol.is_empty()).collect()
    }
}

/// A name, or the beginning of one that is too long.
pub(super) fn cut(name: &[u8]) -> String {
    String::from_utf8_lossy(&name[..name.len().min(LONGEST_NAME)]).into_owned()
}
