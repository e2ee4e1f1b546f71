//! What is shown of traps in modules that compilers made (`modules/build.sh`).

use dunlin::{Engine, Error, Instance, Module, Store};
use dunlin_debug::{Backtrace, DebugInfo};
use std::fs::File;
use std::path::PathBuf;

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/modules", name].iter().collect()
}

fn debug_info(name: &str) -> Option<DebugInfo> {
    DebugInfo::read(&mut File::open(path(name)).unwrap(), 16 << 20).unwrap()
}

/// The error of a call that traps.
fn trap(module: &str, function: &str) -> Error {
    let module = Module::from_file(&Engine::default(), path(module)).unwrap();
    let mut store = Store::new(module.engine(), ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let function = instance.get_typed_func::<i32, i32>(&store, function).unwrap();
    function.call(&mut store, 0).unwrap_err()
}

/// The backtrace of such a call, without its offsets.
fn shown(module: &str, function: &str, debug_info: Option<&DebugInfo>) -> String {
    let error = trap(module, function);
    let text = Backtrace::new(error.backtrace().unwrap(), debug_info).to_string();
    let lines = text.lines().map(|line| match line.split_once(" - ") {
        Some((number, function)) if number.contains(':') => format!("{} - {function}", &number[..6]),
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn lines_of_c_in_both_versions_of_dwarf() {
    for module in ["lines.wasm", "lines-5.wasm"] {
        assert_eq!(
            shown(module, "divide_all", debug_info(module).as_ref()),
            format!(
                "wasm backtrace:\n    0: - {module}!divide\n                  at src/lines.c:6:14\n                \
                 - inlined into twice\n                  at src/lines.c:10:16\n    1: - {module}!divide_all\n                  \
                 at src/lines.c:14:12"
            )
        );
    }
}

#[test]
fn functions_of_rust_that_are_inlined_in_each_other() {
    let shown = shown("nested.wasm", "weight", debug_info("nested.wasm").as_ref());
    let functions: Vec<_> =
        shown.lines().filter_map(|line| line.split_once("- ")).map(|(_, name)| name).collect();
    assert_eq!(
        functions,
        [
            "nested.wasm!core::core_arch::wasm32::unreachable",
            "inlined into nested::inner::reciprocal",
            "inlined into nested::inner::sum",
            "inlined into <u32 as nested::Weigh>::weigh",
            "nested.wasm!weight",
        ]
    );
    let lines: Vec<_> =
        shown.lines().filter_map(|line| line.split_once(" at ")).map(|(_, place)| place).collect();
    assert_eq!(
        lines[1..],
        ["src/nested.rs:10:21", "src/nested.rs:16:13", "src/nested.rs:27:9", "src/nested.rs:33:8"]
    );
    assert!(lines[0].contains("wasm32/mod.rs:"), "{}", lines[0]);
}

#[test]
fn without_debug_information_names_are_demangled() {
    assert!(debug_info("stripped.wasm").is_none());
    assert_eq!(
        shown("stripped.wasm", "weight", None),
        "wasm backtrace:\n    0: - stripped.wasm!<u32 as nested::Weigh>::weigh\n    1: - stripped.wasm!weight"
    );
    let cpp = shown("shapes.wasm", "area", None);
    assert!(cpp.contains("!shapes::Square<int>::area(int) const\n"), "{cpp}");
    let cpp = shown("shapes.wasm", "area", debug_info("shapes.wasm").as_ref());
    assert!(
        cpp.contains("!shapes::Square<int>::area(int) const\n                  at src/shapes.cpp:7:"),
        "{cpp}"
    );
}

#[test]
fn a_stripped_modules_offsets_are_those_of_the_whole_one() {
    let error = trap("stripped.wasm", "weight");
    let offset = error.backtrace().unwrap().frames()[0].module_offset().unwrap();
    let symbols = debug_info("nested.wasm").unwrap().symbols(&[offset, 0, u64::MAX]);
    assert_eq!(symbols[0].len(), 4);
    assert_eq!(symbols[0][1].name(), Some("nested::inner::reciprocal"));
    assert_eq!((symbols[0][1].line(), symbols[0][1].column()), (Some(10), Some(21)));
    assert!(symbols[1].is_empty() && symbols[2].is_empty());
}
