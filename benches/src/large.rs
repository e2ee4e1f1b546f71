//! A large module without imports, for measuring load times: either the compiled code of a workload, repeated, or a
//! given module, whose imported functions are replaced by functions that trap. It exports an additional function,
//! `first`, that returns its argument.

use wasmparser::{Parser, Payload, TypeRef};

/// The name of the export.
pub(crate) const EXPORT: &str = "first";

/// The size of the synthetic module for measurements.
pub(crate) const SIZE: usize = 4_000_000;

/// The workload that it is made of. The workload's own exports are kept.
pub(crate) const SOURCE: &str = "format";

/// A module of about that many bytes, from the bodies of a workload's functions.
pub(crate) fn synthetic(size: usize) -> Result<Vec<u8>, String> {
    let workload = dunlin_benches::workloads::WORKLOADS.iter().find(|workload| workload.name == SOURCE);
    let wasm = workload.ok_or("the workload is missing")?.wasm;
    let one = rewrite(wasm, 1)?.len();
    let each = rewrite(wasm, 2)?.len() - one;
    rewrite(wasm, 1 + size.saturating_sub(one).div_ceil(each))
}

/// The module without its imports, custom sections and start function, with `copies` copies of its functions.
pub(crate) fn rewrite(wasm: &[u8], copies: usize) -> Result<Vec<u8>, String> {
    let failed = |error: wasmparser::BinaryReaderError| error.to_string();
    let mut out = b"\0asm\x01\0\0\0".to_vec();
    // The types of imported functions.
    let mut imported = Vec::new();
    let (mut own_type, mut functions) = (0, 0);
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.map_err(failed)?;
        let Some((id, range)) = payload.as_section() else { continue };
        let section = &wasm[range.start as usize..range.end as usize];
        let mut contents = Vec::new();
        match &payload {
            Payload::CustomSection(_) | Payload::StartSection { .. } => continue,
            Payload::ImportSection(imports) => {
                for import in imports.clone().into_imports() {
                    let import = import.map_err(failed)?;
                    match import.ty {
                        TypeRef::Func(index) => imported.push(index),
                        _ => return Err(format!("the module imports {}, which is no function", import.name)),
                    }
                }
                continue;
            }
            Payload::TypeSection(_) => {
                let (count, rest) = split_count(section)?;
                own_type = count;
                number(count + 1, &mut contents);
                contents.extend_from_slice(rest);
                // From i32 to i64.
                contents.extend_from_slice(&[0x60, 1, 0x7f, 1, 0x7e]);
            }
            Payload::FunctionSection(_) => {
                let (count, rest) = split_count(section)?;
                functions = imported.len() + count * copies + 1;
                number(functions, &mut contents);
                imported.iter().for_each(|&index| number(index as usize, &mut contents));
                contents.extend(rest.repeat(copies));
                number(own_type, &mut contents);
            }
            Payload::ExportSection(_) => {
                let (count, rest) = split_count(section)?;
                number(count + 1, &mut contents);
                contents.extend_from_slice(rest);
                number(EXPORT.len(), &mut contents);
                contents.extend_from_slice(EXPORT.as_bytes());
                contents.push(0);
                number(functions - 1, &mut contents);
            }
            Payload::CodeSectionStart { .. } => {
                let (_, bodies) = split_count(section)?;
                number(functions, &mut contents);
                // Each without locals: unreachable.
                imported.iter().for_each(|_| contents.extend_from_slice(&[3, 0, 0x00, 0x0b]));
                contents.extend(bodies.repeat(copies));
                // local.get 0, i64.extend_i32_s
                contents.extend_from_slice(&[5, 0, 0x20, 0, 0xac, 0x0b]);
            }
            _ => contents.extend_from_slice(section),
        }
        out.push(id);
        number(contents.len(), &mut out);
        out.extend_from_slice(&contents);
    }
    if functions == 0 { Err("the module has no functions".to_owned()) } else { Ok(out) }
}

fn number(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A section's count of entries, and the entries.
fn split_count(contents: &[u8]) -> Result<(usize, &[u8]), String> {
    let mut reader = wasmparser::BinaryReader::new(contents, 0);
    let count = reader.read_var_u32().map_err(|error| error.to_string())?;
    Ok((count as usize, &contents[reader.original_position() as usize..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use dunlin::{Engine, Linker, Module, Store};

    #[test]
    fn the_synthetic_module_is_large_and_runs() -> Result<(), dunlin::Error> {
        let wasm = synthetic(500_000).unwrap();
        assert!((500_000..600_000).contains(&wasm.len()), "{}", wasm.len());
        let engine = Engine::new(&dunlin::Config::new())?;
        let module = Module::new(&engine, &wasm)?;
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate(&mut store, &module)?;
        let first = instance.get_typed_func::<i32, i64>(&store, EXPORT)?;
        assert_eq!(first.call(&mut store, -7)?, -7);
        Ok(())
    }
}
