//! Functions in the text format.

use wasmparser::{Parser, Payload};

/// A line, with its offset in the module if it has one.
type Line = (Option<u64>, String);

/// The lines of each function that the module defines.
pub(super) fn functions(bytes: &[u8]) -> Result<Vec<Vec<Line>>, String> {
    let mut ends = Vec::new();
    let mut code = 0..0;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| error.to_string())? {
            Payload::CodeSectionStart { unchecked_range, .. } => code = unchecked_range,
            Payload::CodeSectionEntry(body) => ends.push(body.range().end),
            _ => {}
        }
    }
    let mut functions = vec![Vec::new(); ends.len()];
    let mut storage = String::new();
    let lines = wasmprinter::Config::new()
        .offsets_and_lines(bytes, &mut storage)
        .map_err(|error| error.to_string())?;
    let mut current = None;
    for (offset, line) in lines {
        if let Some(offset) = offset {
            let at = ends.partition_point(|end| *end <= offset);
            current = (code.contains(&offset) && at < ends.len()).then_some(at);
        }
        if let Some(at) = current {
            functions[at].push((offset, line.strip_prefix("  ").unwrap_or(line).trim_end().to_owned()));
        }
    }
    Ok(functions)
}
