//! Bounds on what may grow, and on frames: what is at a bound is there, and what is beyond is refused.

use super::module;
use dunlin::{
    Config, Dispatch, Engine, ErrorKind, Instance, Memory, MemoryType, Module, RefType, Store, Table,
    TableType, Val,
};

/// A guest with this memory or table in place of `{}`, and its `grow`.
fn growing(store: &mut Store<()>, what: &str, grow: &str) -> impl Fn(&mut Store<()>, i32) -> i32 + use<> {
    let text =
        format!("(module ({what}) (func (export \"grow\") (param i32) (result i32) ({grow} (local.get 0))))");
    let module = module(store.engine(), &text);
    let instance = Instance::new(&mut *store, &module, &[]).unwrap();
    let grow = instance.get_typed_func::<i32, i32>(&*store, "grow").unwrap();
    move |store, delta| grow.call(store, delta).unwrap()
}

#[test]
fn a_table_has_at_most_ten_million_elements() {
    const MOST: i32 = 10_000_000;
    let mut store = Store::new(&Engine::default(), ());
    let ty = TableType::new(RefType::FUNCREF, MOST as u32 + 1, None);
    let error = Table::new(&mut store, ty, Val::FuncRef(None)).unwrap_err();
    let refused = "a table has at most 10000000 elements, not 10000001";
    assert_eq!((error.kind(), &*error.to_string()), (ErrorKind::Limit, refused));
    let text = format!("(module (table {} funcref))", MOST + 1);
    let module = module(store.engine(), &text);
    let error = Instance::new(&mut store, &module, &[]).unwrap_err();
    assert_eq!((error.kind(), &*error.to_string()), (ErrorKind::Limit, refused));
    // Its type says less, as much, more, or nothing.
    for (maximum, most) in [("9999999", MOST - 1), ("10000000", MOST), ("10000001", MOST), ("", MOST)] {
        let mut store = Store::new(&Engine::default(), ());
        let table = format!("table {} {maximum} funcref", MOST - 3);
        let grow = growing(&mut store, &table, "table.grow (ref.null func)");
        assert_eq!(grow(&mut store, most - MOST + 4), -1, "{table}");
        assert_eq!(grow(&mut store, most - MOST + 3), MOST - 3, "{table}");
        assert_eq!(
            [grow(&mut store, 1), grow(&mut store, 0), grow(&mut store, -1)],
            [-1, most, -1],
            "{table}"
        );
    }
}

/// With 32 bits it has at most half as much.
#[test]
#[cfg(target_pointer_width = "64")]
fn a_memory_has_at_most_four_gigabytes() {
    const MOST: i32 = 65536;
    for (maximum, most) in [("65535", MOST - 1), ("65536", MOST), ("", MOST)] {
        let mut store = Store::new(&Engine::default(), ());
        let memory = format!("memory 1 {maximum}");
        let grow = growing(&mut store, &memory, "memory.grow");
        assert_eq!(grow(&mut store, most), -1, "{memory}");
        assert_eq!(grow(&mut store, most - 1), 1, "{memory}");
        assert_eq!(
            [grow(&mut store, 1), grow(&mut store, 0), grow(&mut store, -1)],
            [-1, most, -1],
            "{memory}"
        );
    }
    let mut store = Store::new(&Engine::default(), ());
    let memory = Memory::new(&mut store, MemoryType::new(65536, None)).unwrap();
    assert_eq!(memory.size(&store), 65536);
    memory.data_mut(&mut store)[u32::MAX as usize] = 7;
    assert!(memory.grow(&mut store, 1).is_err());
}

// Of 65,535 slots, the result takes one and the header two.
/// Locals that are vectors, beside an operand that is one.
const VECTORS: usize = 32_765;
/// Operands that are integers, beside such a local.
const OPERANDS: usize = 65_531;

#[test]
fn a_frame_has_at_most_as_many_slots_as_cells_can_name() {
    let locals = |n: usize| {
        let last = n - 1;
        format!(
            "(module (func (export \"run\") (result i64) (local {}) \
             (local.set {last} (v128.const i64x2 3 4)) (i64x2.extract_lane 1 (local.get {last}))))",
            "v128 ".repeat(n)
        )
    };
    let operands = |n: usize| {
        format!(
            "(module (func (export \"run\") (result i64) (local i64) {} (local.set 0) {} (local.get 0)))",
            "(i64.load (i32.const 0)) ".repeat(n),
            "(drop) ".repeat(n - 1)
        )
        .replace("(module", "(module (memory 1) (data (i32.const 0) \"\\04\")")
    };
    for dispatch in [Dispatch::Tail, Dispatch::Loop] {
        let engine = Engine::new(Config::new().dispatch(dispatch).max_wasm_stack(1 << 20)).unwrap();
        let load = |text: &str| Module::new(&engine, wat::parse_str(text).unwrap());
        for (most, text) in [(VECTORS, &locals as &dyn Fn(usize) -> String), (OPERANDS, &operands)] {
            for n in [most - 1, most] {
                let mut store = Store::new(&engine, ());
                let instance = Instance::new(&mut store, &load(&text(n)).unwrap(), &[]).unwrap();
                let run = instance.get_typed_func::<(), i64>(&store, "run").unwrap();
                assert_eq!(run.call(&mut store, ()).unwrap(), 4, "{n}");
            }
            let error = load(&text(most + 1)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Limit);
            assert!(error.to_string().starts_with("function 0 needs more than 65535 slots"), "{error}");
        }
    }
}
