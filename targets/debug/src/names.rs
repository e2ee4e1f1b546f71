//! Names of functions by offset, for modules without DWARF.

use crate::demangle::demangle;
use crate::{DebugInfoError, FrameSymbol};
use std::io::{Read, Seek};
use wasmparser::{KnownCustom, Name, Parser, Payload, TypeRef};

/// The functions of a module whose bodies these offsets are in, by the module's name section, or as `function N`. The
/// module is read as a whole. `None` is an offset outside all bodies.
///
/// # Errors
///
/// If it can't be read, or is no module.
pub fn function_names(
    file: &mut (impl Read + Seek),
    offsets: &[u64],
) -> Result<Vec<Option<FrameSymbol>>, DebugInfoError> {
    file.rewind()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let (mut next, mut names) = (0, None);
    let mut found: Vec<Option<u32>> = vec![None; offsets.len()];
    for payload in Parser::new(0).parse_all(&bytes) {
        match payload.map_err(|_| DebugInfoError::NoModule)? {
            Payload::ImportSection(section) => {
                let is_func = |ty| matches!(ty, TypeRef::Func(_) | TypeRef::FuncExact(_));
                let imports = section.into_imports().flatten();
                next = imports.filter(|import| is_func(import.ty)).count() as u32;
            }
            Payload::CodeSectionEntry(body) => {
                for (offset, found) in offsets.iter().zip(&mut found) {
                    if body.range().contains(offset) {
                        *found = Some(next);
                    }
                }
                next += 1;
            }
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(section) = section.as_known() {
                    names = section.into_iter().flatten().find_map(|name| match name {
                        Name::Function(map) => Some(map),
                        _ => None,
                    });
                }
            }
            _ => {}
        }
    }
    let named = |index: u32| {
        let naming = names.clone()?.flatten().find(|naming| naming.index == index)?;
        Some(demangle(naming.name))
    };
    let symbol = |index: u32| FrameSymbol {
        name: Some(named(index).unwrap_or_else(|| format!("function {index}"))),
        ..FrameSymbol::default()
    };
    Ok(found.into_iter().map(|index| index.map(symbol)).collect())
}
