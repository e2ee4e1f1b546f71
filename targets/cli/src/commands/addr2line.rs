//! `dunlin addr2line`

use crate::args::Addr2lineOptions;
use crate::failure::Failure;

/// Shows what is at the offsets.
pub(crate) fn addr2line(options: &Addr2lineOptions) -> Result<(), Failure> {
    use crate::failure::io_reason;
    use crate::modules::load::display_name;
    use crate::output::print;
    use std::fmt::Write;

    let name = display_name(&options.module);
    let failure = |why: &dyn std::fmt::Display| Failure::unusable(format_args!("{name}: {why}"));
    let mut file = std::fs::File::open(&options.module).map_err(|error| failure(&io_reason(&error)))?;
    let debug_info = dunlin_debug::DebugInfo::read(&mut file, LIMIT).map_err(|error| failure(&error))?;
    let mut found = match debug_info {
        Some(debug_info) => debug_info.symbols(&options.offsets),
        None => vec![Vec::new(); options.offsets.len()],
    };
    if found.iter().any(Vec::is_empty) {
        let names =
            dunlin_debug::function_names(&mut file, &options.offsets).map_err(|error| failure(&error))?;
        for (symbols, name) in found.iter_mut().zip(names) {
            if let (true, Some(name)) = (symbols.is_empty(), name) {
                symbols.push(name);
            }
        }
    }
    if found.iter().all(Vec::is_empty) {
        return Err(failure(&"there is no code at these offsets"));
    }
    let mut text = String::new();
    for (offset, symbols) in options.offsets.iter().zip(found) {
        // Writing to a string doesn't fail.
        let _ = writeln!(text, "{offset:#x}: {}", dunlin_debug::Symbols(&symbols));
    }
    print(&text)
}

/// The most memory that debug information may take: on a developer's machine there is some.
const LIMIT: u64 = 4 << 30;
