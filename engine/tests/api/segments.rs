//! What is left of segments after instantiation, and copies within tables that are large.

use dunlin::{Engine, Error, Instance, Module, ModuleOptions, ModuleStream, Store, Trap, Val};
use std::fmt::Write;

/// Data segments: name, contents, where they go, if they are active.
const DATA: [(&str, &str, &str); 5] = [
    ("active", "first", "(i32.const 8)"),
    ("in another memory", "xyz", "(memory 1) (i32.const 0)"),
    ("over another", "over", "(i32.const 10)"),
    ("empty", "", "(i32.const 65536)"),
    ("passive", "passive", ""),
];

/// Element segments: name, how many elements, and how they are written.
const ELEM: [(&str, u64, &str); 5] = [
    ("active", 2, "(i32.const 1) func $f $f"),
    ("in another table", 1, "(table 1) (i32.const 0) funcref (ref.func $f)"),
    ("declared", 0, "declare func $f $f"),
    ("passive", 3, "func $f $f $f"),
    ("passive expressions", 2, "funcref (ref.func $f) (ref.null func)"),
];

fn text() -> String {
    let mut text = String::from(
        r#"(module (memory (export "m") 1) (memory 1) (table 10 funcref) (table 10 funcref) (func $f)"#,
    );
    for (i, (name, contents, offset)) in DATA.iter().enumerate() {
        write!(
            text,
            r#"(data $d{i} {offset} "{contents}")
            (func (export "init data: {name}") (param i32 i32)
                (memory.init $d{i} (i32.const 100) (local.get 0) (local.get 1)))
            (func (export "drop data: {name}") (data.drop $d{i}))"#
        )
        .unwrap();
    }
    for (i, (name, _, segment)) in ELEM.iter().enumerate() {
        write!(
            text,
            r#"(elem $e{i} {segment})
            (func (export "init elem: {name}") (param i32 i32)
                (table.init $e{i} (i32.const 5) (local.get 0) (local.get 1)))
            (func (export "drop elem: {name}") (elem.drop $e{i}))"#
        )
        .unwrap();
    }
    text + ")"
}

/// The instances of a module that was loaded as a whole, in chunks, and for one instance, whose data went straight into its
/// memories.
fn instances(store: &mut Store<()>, bytes: &[u8]) -> Vec<Result<Instance, Error>> {
    let engine = store.engine().clone();
    let mut stream = ModuleStream::with_options(&engine, ModuleOptions::new().one_instance(true));
    bytes.chunks(7).for_each(|chunk| stream.push(chunk).unwrap());
    let whole = Module::new(&engine, bytes).unwrap();
    let modules = [whole.clone(), whole, stream.finish().unwrap()];
    modules.iter().map(|module| Instance::new(&mut *store, module, &[])).collect()
}

/// Uses so many of a segment, from `start` on; whether there were so many.
fn uses(store: &mut Store<()>, instance: Instance, kind: &str, name: &str, start: u64, n: u64) -> bool {
    let func = instance.get_func(&*store, &format!("init {kind}: {name}")).unwrap();
    match func.call(&mut *store, &[Val::I32(start as i32), Val::I32(n as i32)], &mut []) {
        Ok(()) => true,
        Err(error) => {
            let trap = if kind == "data" { Trap::MemoryOutOfBounds } else { Trap::TableOutOfBounds };
            assert_eq!(error.trap(), Some(trap), "{kind} {name}");
            false
        }
    }
}

/// Active and declared segments are empty after instantiation; passive ones are when they are dropped, in that instance.
pub(crate) fn segments_are_dropped(engine: &Engine) {
    let mut store = Store::new(engine, ());
    let _ = store.set_fuel(u64::MAX);
    let bytes = wat::parse_str(text()).unwrap();
    let data = DATA.map(|(name, contents, _)| ("data", name, contents.len() as u64));
    let elems = ELEM.map(|(name, n, _)| ("elem", name, n));
    for instance in instances(&mut store, &bytes) {
        let instance = instance.unwrap();
        let memory = instance.get_memory(&store, "m").unwrap();
        assert!(memory.data(&store)[8..].starts_with(b"fiover\0"));
        for (kind, name, n) in data.into_iter().chain(elems) {
            let kept = if name.starts_with("passive") { n } else { 0 };
            for round in ["at first", "dropped", "dropped twice"] {
                let len = if round == "at first" { kept } else { 0 };
                let context = format!("{kind} {name}, {round}");
                let mut uses = |start, n| uses(&mut store, instance, kind, name, start, n);
                assert!(uses(0, 0) && uses(0, len) && uses(len, 0), "{context}");
                assert!(
                    !uses(0, len + 1) && !uses(len + 1, 0) && !uses(len, 1) && !uses(1, len),
                    "{context}"
                );
                assert!(!uses(u64::from(u32::MAX), 1), "{context}");
                let drops = instance.get_func(&store, &format!("drop {kind}: {name}")).unwrap();
                drops.call(&mut store, &[], &mut []).unwrap();
            }
        }
        assert!(memory.data(&store)[100..].starts_with(b"passive\0"));
    }
    // The start function comes after.
    for start in [
        "(memory.init 0 (i32.const 0) (i32.const 0) (i32.const 1))",
        "(table.init 0 (i32.const 0) (i32.const 0) (i32.const 1))",
    ] {
        let text = format!(
            r#"(module (memory 1) (table 4 funcref) (start $s) (data (i32.const 0) "a") (elem (i32.const 0) func $s) (func $s {start}))"#
        );
        for instance in instances(&mut store, &wat::parse_str(text).unwrap()) {
            let trap = instance.unwrap_err().trap();
            assert!(matches!(trap, Some(Trap::MemoryOutOfBounds | Trap::TableOutOfBounds)), "{start}");
        }
    }
}

/// Copies within a table of more elements than are worked on at once.
pub(crate) fn large_tables_are_copied(engine: &Engine) {
    const LEN: usize = (1 << 20) + (1 << 12);
    let mut store = Store::new(engine, ());
    let _ = store.set_fuel(u64::MAX);
    let text = format!(
        r#"(module (table $t (export "t") {LEN} funcref) (func $f) (elem declare func $f)
            (func (export "fill") (local $i i32)
                (loop $next
                    (if (i32.lt_s (i32.mul (local.get $i) (i32.const 0x9e3779b9)) (i32.const 0))
                        (then (table.set $t (local.get $i) (ref.func $f))))
                    (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const {LEN})))))
            (func (export "copy") (param i32 i32 i32)
                (table.copy $t $t (local.get 0) (local.get 1) (local.get 2))))"#
    );
    let module = Module::new(engine, wat::parse_str(text).unwrap()).unwrap();
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let table = instance.get_table(&store, "t").unwrap();
    instance.get_func(&store, "fill").unwrap().call(&mut store, &[], &mut []).unwrap();
    let mut expected: Vec<bool> =
        (0..LEN as i32).map(|i| i.wrapping_mul(0x9e37_79b9_u32 as i32) < 0).collect();
    let n = (1 << 20) + 77;
    for (to, from) in [(1003, 1000), (1000, 1003), (3000, 0), (0, 3000)] {
        let args = [to, from, n].map(|x| Val::I32(x as i32));
        instance.get_func(&store, "copy").unwrap().call(&mut store, &args, &mut []).unwrap();
        expected.copy_within(from..from + n, to);
        let wrong = (expected.iter().enumerate())
            .position(|(i, set)| table.get(&store, i as u64).unwrap().unwrap_func_ref().is_some() != *set);
        assert_eq!(wrong, None, "from {from} to {to}");
    }
}
