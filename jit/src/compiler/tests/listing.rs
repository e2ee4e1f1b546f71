//! CLIF as text, with the names of what code accesses: fields instead of offsets, traps instead of their codes.

use crate::code::{ENTRY, FAILED, INLINED, trap_of};
use crate::compiler::clif::mem_flags::FIRST_OWN_GLOBAL;
use cranelift_codegen::ir::Function;
use dunlin::tier::layout::*;
use dunlin::tier::{BulkOp, View};
use std::collections::HashMap;

/// What a pointer leads to.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Object {
    Context,
    Store,
    Builtins,
    Natives,
    Stubs,
    Memory,
    Table,
    Global,
    Function,
    Other,
}

/// The objects' named fields, and what a pointer in them leads to.
const FIELDS: &[(Object, i32, &str, Object)] = &[
    (Object::Context, VMCTX_STORE, "VMCTX_STORE", Object::Store),
    (Object::Context, VMCTX_MEM0, "VMCTX_MEM0", Object::Memory),
    (Object::Context, VMCTX_BASE0, "VMCTX_BASE0", Object::Other),
    (Object::Context, VMCTX_NATIVES, "VMCTX_NATIVES", Object::Natives),
    (Object::Context, VMCTX_STUBS, "VMCTX_STUBS", Object::Stubs),
    (Object::Context, VMCTX_LIMIT, "VMCTX_LIMIT", Object::Other),
    (Object::Context, VMCTX_POLL, "VMCTX_POLL", Object::Other),
    (Object::Context, VMCTX_SIGNATURES, "VMCTX_SIGNATURES", Object::Other),
    (Object::Context, VMCTX_BUILTINS, "VMCTX_BUILTINS", Object::Builtins),
    (Object::Store, STORE_SLICE, "STORE_SLICE", Object::Other),
    (Object::Store, STORE_CALLEE, "STORE_CALLEE", Object::Other),
    (Object::Store, STORE_BRIDGED, "STORE_BRIDGED", Object::Other),
    (Object::Store, STORE_BRIDGED_ARG, "STORE_BRIDGED_ARG", Object::Other),
    (Object::Store, STORE_LEAVING, "STORE_LEAVING", Object::Other),
    (Object::Builtins, BUILTIN_CALL, "BUILTIN_CALL", Object::Other),
    (Object::Builtins, BUILTIN_STACK, "BUILTIN_STACK", Object::Other),
    (Object::Builtins, BUILTIN_POLL, "BUILTIN_POLL", Object::Other),
    (Object::Builtins, BUILTIN_REFILL, "BUILTIN_REFILL", Object::Other),
    (Object::Builtins, BUILTIN_LEFT, "BUILTIN_LEFT", Object::Other),
    (Object::Builtins, BUILTIN_COPY, "BUILTIN_COPY", Object::Other),
    (Object::Builtins, BUILTIN_FILL, "BUILTIN_FILL", Object::Other),
    (Object::Memory, MEMORY_BASE, "MEMORY_BASE", Object::Other),
    (Object::Memory, MEMORY_LEN, "MEMORY_LEN", Object::Other),
    (Object::Table, TABLE_BASE, "TABLE_BASE", Object::Other),
    (Object::Table, TABLE_LEN, "TABLE_LEN", Object::Other),
    (Object::Global, GLOBAL_VALUE, "GLOBAL_VALUE", Object::Other),
    (Object::Function, FUNC_SIG, "FUNC_SIG", Object::Other),
    (Object::Function, FUNC_VM, "FUNC_VM", Object::Other),
    (Object::Function, FUNC_CODE, "FUNC_CODE", Object::Other),
    (Object::Function, FUNC_INDEX, "FUNC_INDEX", Object::Other),
];

/// The name of an object's field, and what a pointer in it leads to.
fn field(object: Object, offset: i32, view: View<'_>) -> Option<(String, Object)> {
    let named = FIELDS.iter().find(|(of, at, ..)| (*of, *at) == (object, offset));
    if let Some((.., name, to)) = named {
        return Some(((*name).to_owned(), *to));
    }
    match object {
        Object::Context => {
            // The arrays of pointers that follow a context, of which the last that begins before the word has it.
            let arrays = [
                ("import", view.import_word(0), Object::Function),
                ("memory", view.memory_word(0), Object::Memory),
                ("table", view.table_word(0), Object::Table),
                ("global", view.global_word(0), Object::Global),
            ];
            let word = offset as u32 / 8;
            let (name, first, to) = arrays
                .into_iter()
                .filter(|(_, first, _)| *first <= word)
                .max_by_key(|(_, first, _)| *first)?;
            Some((format!("{name}{}", word - first), to))
        }
        Object::Natives => Some((format!("native{}", offset / 8), Object::Other)),
        Object::Stubs if offset as usize / 8 == view.types().len() => {
            Some(("bridge".to_owned(), Object::Other))
        }
        Object::Stubs => Some((format!("stub{}", offset / 8), Object::Other)),
        Object::Builtins => {
            if offset == BUILTIN_THROW {
                return Some(("BUILTIN_THROW".to_owned(), Object::Other));
            }
            let op = BulkOp::ALL.get((offset - BUILTIN_BULK) as usize / 8)?;
            Some((format!("BUILTIN_BULK[{op:?}]"), Object::Other))
        }
        _ => None,
    }
}

/// A function as text: positions, and instructions. The prologue is left out unless `prologue` asks for it.
pub(super) fn listing(func: &Function, view: View<'_>, prologue: bool) -> String {
    let text = func.display().to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut out = vec![lines.next().expect("the signature").to_owned()];
    let mut regions: HashMap<&str, String> = HashMap::new();
    // The context is the first param.
    let mut objects = HashMap::from([("v0", Object::Context)]);
    for line in lines {
        if line.starts_with("region") {
            let words: Vec<&str> = line.splitn(4, ' ').collect();
            let name = match words[2].parse::<u32>() {
                Ok(user) if user >= FIRST_OWN_GLOBAL => format!("own_global{}", user - FIRST_OWN_GLOBAL),
                _ => words[3].trim_matches('"').to_owned(),
            };
            regions.insert(words[0], name);
            continue;
        }
        let (position, instruction) = match line.strip_prefix('@').and_then(|line| line.split_once(' ')) {
            Some((position, instruction)) => (self::position(position), instruction.trim_start()),
            None => (String::new(), line),
        };
        if instruction.starts_with("block") || instruction == "}" {
            out.push(instruction.to_owned());
            continue;
        }
        let (code, comment) = instruction.split_once("  ;").unwrap_or((instruction, ""));
        let mut words: Vec<String> = code.split(' ').map(|word| word_of(word, &regions)).collect();
        let address = code.rsplit(' ').next().unwrap();
        let (base, offset) = address.split_once('+').unwrap_or((address, "0"));
        let accesses = |what: &str| words.iter().any(|word| word.starts_with(what));
        let (loads, stores) = (accesses("load"), accesses("store"));
        let mut to = if loads && accesses("table") { Object::Function } else { Object::Other };
        if (loads || stores)
            && let Some(object) = objects.get(base)
            && let Ok(offset) = offset.parse()
            && let Some((name, leads_to)) = field(*object, offset, view)
        {
            *words.last_mut().unwrap() = format!("{base}+{name}");
            to = leads_to;
        }
        if loads && to != Object::Other {
            objects.insert(code.split(' ').next().unwrap(), to);
        }
        let comment = if comment.is_empty() { String::new() } else { format!("  ;{comment}") };
        out.push(format!("{position:>10}  {}{comment}", words.join(" ")));
    }
    let is_prologue = |line: &String| line.trim_start().starts_with("entry ");
    if let Some(first) = out.iter().position(is_prologue).filter(|_| !prologue) {
        let last = out.iter().rposition(is_prologue).expect("there is one");
        out.splice(first..=last, [format!("{:>10}  ...", "entry")]);
    }
    out.join("\n")
}

/// Where an instruction comes from.
fn position(hexadecimal: &str) -> String {
    match u32::from_str_radix(hexadecimal, 16).expect("a position") {
        ENTRY => "entry".to_owned(),
        inlined if inlined & INLINED != 0 => format!("inlined {}", inlined & !INLINED),
        offset => format!("{offset:#x}"),
    }
}

/// A word of an instruction, with names for alias regions and trap codes.
fn word_of(word: &str, regions: &HashMap<&str, String>) -> String {
    if let Some(name) = regions.get(word) {
        return name.clone();
    }
    match word.strip_prefix("user").and_then(|code| code.parse().ok()) {
        Some(FAILED) => "failed".to_owned(),
        Some(code) => trap_of(code).map_or(word.to_owned(), |trap| format!("{trap:?}")),
        None => word.to_owned(),
    }
}
