//! Whether the headers declare what is exported, with these types, and nothing else.

use crate::prototypes::Prototype;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

fn prototypes() -> Vec<Prototype> {
    let mut all = Vec::new();
    for of_module in [
        crate::budget::prototypes,
        crate::callback::prototypes,
        crate::engine::prototypes,
        crate::error_info::prototypes,
        crate::exceptions::prototypes,
        crate::externs::prototypes,
        crate::foreign::prototypes,
        crate::frame::prototypes,
        crate::func::prototypes,
        crate::global::prototypes,
        crate::instance::prototypes,
        crate::interrupt::prototypes,
        crate::linker::prototypes,
        crate::memory::prototypes,
        crate::module::prototypes,
        crate::numeric::prototypes,
        crate::handles::prototypes,
        crate::store::prototypes,
        crate::table::prototypes,
        crate::tier::prototypes,
        crate::types::casts,
        crate::types::external,
        crate::types::imports,
        crate::types::values,
        crate::val::prototypes,
        crate::vectors::prototypes,
        crate::wasi::prototypes,
    ] {
        of_module(&mut all);
    }
    all
}

fn cc(args: &[&str], source: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("check.c");
    std::fs::write(&file, source).unwrap();
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let output = Command::new(compiler).args(args).arg("-I").arg(include).arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

const INCLUDE: &str = "#include <wasm.h>\n#include <dunlin.h>\n";

#[test]
fn the_headers_declare_these_prototypes() {
    let mut source = INCLUDE.to_owned();
    let all = prototypes();
    assert!(all.len() > 300, "{}", all.len());
    for (number, Prototype { name, args, result }) in all.iter().enumerate() {
        let args = if args.is_empty() { "void".to_owned() } else { args.join(", ") };
        writeln!(source, "{result} (*const check_{number})({args}) = {name};").unwrap();
    }
    let strict = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only", "-x", "c"];
    cc(&strict, &source);
    let strict_cpp = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only", "-x", "c++"];
    cc(&strict_cpp, INCLUDE);
}

#[test]
fn the_headers_declare_nothing_else() {
    let text = cc(&["-std=c11", "-E", "-P", "-x", "c"], INCLUDE);
    let mut declared = BTreeSet::new();
    // What the headers define themselves has a body, and `static` before it.
    for statement in text.split([';', '}']).filter(|statement| !statement.contains("static ")) {
        let statement = statement.trim();
        let is_code = statement.starts_with("return") || statement.contains(['{', '=']);
        if statement.starts_with("typedef") || is_code {
            continue;
        }
        let Some(name) = statement.split('(').next() else { continue };
        let name = name.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
        if statement.contains('(') && (name.starts_with("wasm_") || name.starts_with("dunlin_")) {
            declared.insert(name.to_owned());
        }
    }
    let exported: BTreeSet<_> = prototypes().iter().map(|prototype| prototype.name.to_owned()).collect();
    assert_eq!(exported.difference(&declared).collect::<Vec<_>>(), Vec::<&String>::new());
    assert_eq!(declared.difference(&exported).collect::<Vec<_>>(), Vec::<&String>::new());
}

#[test]
fn numbers_and_layouts_are_the_headers() {
    use crate::types::Kinds;
    use std::mem::size_of;
    let mut source = INCLUDE.to_owned();
    let mut same =
        |c: &str, rust: usize| writeln!(source, "_Static_assert({c} == {rust}, \"{c}\");").unwrap();
    for (name, kind) in [
        ("WASM_I32", Kinds::I32),
        ("WASM_I64", Kinds::I64),
        ("WASM_F32", Kinds::F32),
        ("WASM_F64", Kinds::F64),
        ("DUNLIN_V128", Kinds::V128),
        ("WASM_EXTERNREF", Kinds::EXTERNREF),
        ("WASM_FUNCREF", Kinds::FUNCREF),
        ("DUNLIN_EXNREF", Kinds::EXNREF),
    ] {
        same(name, kind.into());
    }
    same("sizeof(wasm_val_t)", size_of::<crate::val::wasm_val_t>());
    same("offsetof(wasm_val_t, of)", 8);
    same("sizeof(wasm_limits_t)", size_of::<crate::types::wasm_limits_t>());
    same("sizeof(dunlin_plan_t)", size_of::<crate::module::dunlin_plan_t>());
    same("sizeof(dunlin_slot_t)", size_of::<crate::pointers::dunlin_slot_t>());
    same("sizeof(wasm_byte_vec_t)", size_of::<crate::vec::wasm_byte_vec_t>());
    for (name, code) in [
        ("DUNLIN_ERROR_OTHER", crate::failure::Code::Other),
        ("DUNLIN_ERROR_TRAP", crate::failure::Code::Trap),
        ("DUNLIN_ERROR_EXCEPTION", crate::failure::Code::Exception),
        ("DUNLIN_ERROR_INVALID", crate::failure::Code::Invalid),
        ("DUNLIN_ERROR_LIMIT", crate::failure::Code::Limit),
        ("DUNLIN_ERROR_OUT_OF_BUDGET", crate::failure::Code::OutOfBudget),
        ("DUNLIN_ERROR_OUT_OF_MEMORY", crate::failure::Code::OutOfMemory),
        ("DUNLIN_ERROR_LINK", crate::failure::Code::Link),
        ("DUNLIN_ERROR_HOST", crate::failure::Code::Host),
        ("DUNLIN_ERROR_IO", crate::failure::Code::Io),
        ("DUNLIN_ERROR_EXIT", crate::failure::Code::Exit),
        ("DUNLIN_ERROR_ARGUMENT", crate::failure::Code::Argument),
        ("DUNLIN_ERROR_MISTAKE", crate::failure::Code::Mistake),
    ] {
        same(name, code as usize);
    }
    for (name, trap) in [
        ("DUNLIN_TRAP_STACK_OVERFLOW", dunlin::Trap::StackOverflow),
        ("DUNLIN_TRAP_MEMORY_OUT_OF_BOUNDS", dunlin::Trap::MemoryOutOfBounds),
        ("DUNLIN_TRAP_TABLE_OUT_OF_BOUNDS", dunlin::Trap::TableOutOfBounds),
        ("DUNLIN_TRAP_UNDEFINED_ELEMENT", dunlin::Trap::UndefinedElement),
        ("DUNLIN_TRAP_INDIRECT_CALL_TO_NULL", dunlin::Trap::IndirectCallToNull),
        ("DUNLIN_TRAP_BAD_SIGNATURE", dunlin::Trap::BadSignature),
        ("DUNLIN_TRAP_INTEGER_OVERFLOW", dunlin::Trap::IntegerOverflow),
        ("DUNLIN_TRAP_INTEGER_DIVISION_BY_ZERO", dunlin::Trap::IntegerDivisionByZero),
        ("DUNLIN_TRAP_BAD_CONVERSION_TO_INTEGER", dunlin::Trap::BadConversionToInteger),
        ("DUNLIN_TRAP_UNREACHABLE_CODE_REACHED", dunlin::Trap::UnreachableCodeReached),
        ("DUNLIN_TRAP_INTERRUPT", dunlin::Trap::Interrupt),
        ("DUNLIN_TRAP_OUT_OF_FUEL", dunlin::Trap::OutOfFuel),
        ("DUNLIN_TRAP_OUT_OF_BUDGET", dunlin::Trap::OutOfBudget),
        ("DUNLIN_TRAP_HEAP_MISALIGNED", dunlin::Trap::HeapMisaligned),
        ("DUNLIN_TRAP_ATOMIC_WAIT_NON_SHARED_MEMORY", dunlin::Trap::AtomicWaitNonSharedMemory),
        ("DUNLIN_TRAP_NULL_EXCEPTION_REFERENCE", dunlin::Trap::NullExceptionReference),
        ("DUNLIN_TRAP_MODULE_CHANGED", dunlin::Trap::ModuleChanged),
        ("DUNLIN_TRAP_NULL_REFERENCE", dunlin::Trap::NullReference),
    ] {
        same(name, crate::failure::trap_number(trap) as usize);
    }
    cc(&["-std=c11", "-fsyntax-only", "-x", "c"], &source);
}
