//! What a store's objects take, one by one: as much is charged as is held, and nothing for what was refused.

use crate::guests;
use crate::ledger::{Refused, Seen, watch};
use crate::refused::clean;
use dunlin::{
    Budget, Error, ExternRef, Func, FuncType, Global, GlobalType, Instance, InstancePre, Kind, Linker,
    Memory, MemoryType, Module, Mutability, RefType, ResumableCall, Store, SuspendedCall, Table, TableType,
    Val, ValType, testing,
};

const GUEST: &str = r#"(module
    (type (func (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i64 i64)))
    (import "host" "ask" (func $ask (result i32)))
    (memory (export "memory") 1 100)
    (table (export "table") 1 1000 funcref)
    (elem $late func $deep $late $elements)
    (func $deep (export "deep") (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0))
            (then (i32.const 0))
            (else (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))))
    (func $late (export "late") (param i32) (result i32)
        (table.init 0 $late (i32.const 0) (i32.const 0) (i32.const 1)) (i32.const 1))
    (func (export "ask") (param i32) (result i32) (call $ask))
    (func (export "pages") (param i32) (result i32) (memory.grow (local.get 0)))
    (func $elements (export "elements") (param i32) (result i32)
        (table.grow 0 (ref.null func) (local.get 0))))"#;

/// Why the host function fails.
#[derive(Debug)]
struct Wait;

impl std::fmt::Display for Wait {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the answer comes later")
    }
}

impl std::error::Error for Wait {}

/// A store with an instance in it.
struct World {
    store: Store<()>,
    instance: Instance,
    pre: InstancePre<()>,
}

impl World {
    fn new(module: &Module) -> Self {
        let mut linker = Linker::new(module.engine());
        linker.func_wrap("host", "ask", || -> Result<i32, Error> { Err(Error::host(Wait)) }).unwrap();
        let pre = linker.instantiate_pre(module).unwrap();
        let mut store = Store::new(module.engine(), ());
        let instance = pre.instantiate(&mut store).unwrap();
        Self { store, instance, pre }
    }

    fn call(&mut self, name: &str, n: i32) -> Result<(), Error> {
        let func = self.instance.get_func(&self.store, name).unwrap();
        func.call(&mut self.store, &[Val::I32(n)], &mut [Val::I32(0)])
    }

    /// Begins a call that the host function suspends.
    fn ask(&mut self) -> Result<SuspendedCall, Error> {
        let ask = self.instance.get_func(&self.store, "ask").unwrap();
        match ask.call_resumable(&mut self.store, &[Val::I32(0)], &mut [Val::I32(0)])? {
            ResumableCall::Suspended(call) => Ok(call),
            ResumableCall::Finished => panic!("nobody has answered"),
        }
    }

    fn answer(&mut self, call: SuspendedCall) -> Result<(), Error> {
        // Without memory it may have stopped before it began.
        let answer = if call.host_func(&mut self.store).is_some() { &[Val::I32(1)][..] } else { &[] };
        call.resume_with(&mut self.store, answer, &mut [Val::I32(0)]).map(drop)
    }
}

const INSTANCE: &str = "an instance";

type Act = fn(&mut World) -> Result<(), Error>;

const ACTS: [(&str, Act); 18] = [
    ("a memory", |w| Memory::new(&mut w.store, MemoryType::new(2, Some(3))).map(drop)),
    ("an empty memory", |w| Memory::new(&mut w.store, MemoryType::new(0, None)).map(drop)),
    ("pages", |w| w.instance.get_memory(&w.store, "memory").unwrap().grow(&mut w.store, 3).map(drop)),
    ("pages for the guest", |w| w.call("pages", 5)),
    ("a table", |w| {
        let ty = TableType::new(RefType::EXTERNREF, 50, None);
        Table::new(&mut w.store, ty, Val::ExternRef(None)).map(drop)
    }),
    ("elements", |w| {
        let table = w.instance.get_table(&w.store, "table").unwrap();
        table.grow(&mut w.store, 200, Val::FuncRef(None)).map(drop)
    }),
    ("elements for the guest", |w| w.call("elements", 30)),
    ("a global", |w| {
        Global::new(&mut w.store, GlobalType::new(ValType::I64, Mutability::Var), Val::I64(1)).map(drop)
    }),
    ("a host function", |w| {
        let value = 7;
        Func::try_wrap(&mut w.store, move |n: i64| n + value).map(drop)
    }),
    ("a host function with many parameters", |w| {
        // The embedder's, whom nobody refuses memory. The engine has this type already, and keeps only one.
        let ty = testing::third_party(|| FuncType::new([ValType::I32; 16], [ValType::I64; 2]));
        Func::try_new(&mut w.store, ty, |_, _, _| Ok(())).map(drop)
    }),
    ("an external reference", |w| ExternRef::new(&mut w.store, [7u64; 20]).map(drop)),
    ("an external reference to nothing", |w| ExternRef::new(&mut w.store, ()).map(drop)),
    (INSTANCE, |w| w.pre.instantiate(&mut w.store).map(drop)),
    ("a call", |w| w.call("deep", 5)),
    ("a deep call", |w| w.call("deep", 20_000)),
    ("a suspended call that goes on", |w| w.ask().and_then(|call| w.answer(call))),
    ("a suspended call that is forgotten", |w| {
        drop(w.ask()?);
        w.ask().and_then(|call| w.answer(call))
    }),
    ("references to functions", |w| w.call("late", 0)),
];

/// By how much the budget was charged for what isn't on the heap.
fn mapped(budget: &Budget) -> [u64; 2] {
    [Kind::Memory, Kind::Stack].map(|kind| budget.used_for(kind))
}

/// Whether as much is charged as is held. Of what a suspended call takes, only the note that it can be forgotten isn't charged.
fn is_even(what: &str, seen: &Seen) -> bool {
    let uncharged = if what.starts_with("a suspended call") { 64 } else { 0 };
    (seen.held - seen.charged).abs() <= uncharged
}

/// Does something while something is refused, then once more while nothing is.
fn twice(what: &str, act: Act, module: &Module, refuse: impl FnOnce(&mut World) -> (bool, Seen)) -> Seen {
    let budget = module.engine().budget();
    let before = budget.used();
    let mut world = World::new(module);
    let there = mapped(budget);
    let (done, seen) = refuse(&mut world);
    assert!(is_even(what, &seen), "{what}, refused: {seen:?}");
    // What there is of an instance that isn't complete stays as long as the store.
    if !done && what != INSTANCE {
        assert_eq!(mapped(budget)[0], there[0], "{what} was refused, but memory is charged");
    }
    let (again, after) = watch(budget, Refused::None, i64::MAX, || clean(act(&mut world)));
    again.unwrap();
    assert!(is_even(what, &after), "{what}, after it was refused: {after:?}");
    drop(world);
    assert_eq!(budget.used(), before, "{what}");
    seen
}

#[test]
fn as_much_is_charged_as_is_held_and_nothing_for_what_is_refused() {
    let budget = Budget::unlimited();
    let engine = guests::engine(&budget).unwrap();
    let module = Module::new(&engine, guests::binary(GUEST)).unwrap();
    // Code, and the engine's list of types.
    for (_, act) in ACTS {
        act(&mut World::new(&module)).unwrap();
    }
    for (what, act) in ACTS {
        let act_with = |refused| {
            twice(what, act, &module, |world| {
                let (done, seen) = watch(&budget, refused, i64::MAX, || {
                    let result = act(world);
                    let done = result.is_ok();
                    (done, clean(result))
                });
                done.1.unwrap();
                (done.0, seen)
            })
        };
        let all = act_with(Refused::None);
        for n in 1..=all.own {
            for refused in [Refused::One(n), Refused::From(n)] {
                assert!(act_with(refused).refusals > 0, "{what}: {refused:?}");
            }
        }
        let mut mappings = 0;
        loop {
            let mut count = 0;
            twice(what, act, &module, |world| {
                watch(&budget, Refused::None, i64::MAX, || {
                    let (result, refused) = testing::refuse_mappings_after(mappings, || act(world));
                    count = refused;
                    let done = result.is_ok();
                    clean(result).unwrap();
                    done
                })
            });
            if count == 0 {
                break;
            }
            mappings += 1;
        }
        println!("{what}: {} bytes on the heap, {} allocations, {mappings} mappings", all.held, all.own);
    }
}
