//! Host and guest functions that call each other without end, in every way there is: the stack is exhausted, and the
//! process goes on.

use dunlin::{
    Caller, Engine, Error, Func, FuncType, Instance, Linker, Module, RefType, ResumableCall, Store, Table,
    TableType, Trap, Val, ValType,
};
use std::thread;

const APPLY: &str = r#"(module
    (import "host" "apply" (func $apply (param funcref)))
    (table (export "table") 1 funcref)
    (elem (i32.const 0) $apply)
    (elem declare func $apply $again)
    (func (export "run") (call $apply (ref.func $apply)))
    (func (export "indirect") (call_indirect (param funcref) (ref.func $apply) (i32.const 0)))
    (func (export "tail") (return_call $apply (ref.func $apply)))
    (func $again (export "again") (param funcref) (call $apply (local.get 0)))
    (func (export "turns") (call $apply (ref.func $again))))"#;

/// A host function that calls the function that it is given, with itself.
type Apply = fn(Caller<'_, ()>, Func) -> Result<(), Error>;

fn dynamic(mut caller: Caller<'_, ()>, f: Func) -> Result<(), Error> {
    f.call(&mut caller, &[Val::FuncRef(Some(f))], &mut [])
}

fn typed(mut caller: Caller<'_, ()>, f: Func) -> Result<(), Error> {
    f.typed::<Option<Func>, ()>(&caller)?.call(&mut caller, Some(f))
}

fn resumable(mut caller: Caller<'_, ()>, f: Func) -> Result<(), Error> {
    finished(f.call_resumable(&mut caller, &[Val::FuncRef(Some(f))], &mut []))
}

/// A call that could go on with other results of a host function has failed all the same.
fn finished(call: Result<ResumableCall, Error>) -> Result<(), Error> {
    match call? {
        ResumableCall::Finished => Ok(()),
        ResumableCall::Suspended(call) => Err(match (call.reason().trap(), call.reason().to_string()) {
            (Some(trap), _) => trap.into(),
            // With 32 bits, the address space for their stacks may come to its end first.
            (None, reason) if ADDRESSES_END && reason.starts_with("out of memory") => Error::msg(reason),
            (None, reason) => panic!("it is a trap, not: {reason}"),
        }),
    }
}

fn by_table(mut caller: Caller<'_, ()>, f: Func) -> Result<(), Error> {
    let table: Table =
        caller.get_export("table").and_then(|export| export.into_table()).unwrap_or_else(|| {
            // The embedder called.
            let ty = TableType::new(RefType::FUNCREF, 1, None);
            Table::new(&mut caller, ty, Val::FuncRef(Some(f))).expect("there is room")
        });
    let found =
        table.get(&mut caller, 0).expect("it has an element").unwrap_func_ref().expect("it isn't null");
    found.call(&mut caller, &[Val::FuncRef(Some(f))], &mut [])
}

fn in_another_store(caller: Caller<'_, ()>, _: Func) -> Result<(), Error> {
    let module = caller.instance().expect("a guest calls").module(&caller).clone();
    let (mut store, run) = guest(&module, in_another_store, "run")?;
    run.call(&mut store, &[], &mut [])
}

fn guest(module: &Module, apply: Apply, name: &str) -> Result<(Store<()>, Func), Error> {
    let mut linker = Linker::new(module.engine());
    linker.func_wrap("host", "apply", move |caller: Caller<'_, ()>, f: Option<Func>| match f {
        Some(f) => apply(caller, f),
        None => Err(Error::msg("a null function")),
    })?;
    let mut store = Store::new(module.engine(), ());
    let instance: Instance = linker.instantiate(&mut store, module)?;
    let func = instance.get_func(&store, name).expect("it is exported");
    Ok((store, func))
}

const ADDRESSES_END: bool = cfg!(target_pointer_width = "32");

#[track_caller]
fn is_exhausted(error: &Error) {
    if ADDRESSES_END && error.to_string().starts_with("out of memory: the system has no") {
        return;
    }
    assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::StackOverflow), "{error}");
    assert_eq!(error.to_string(), "call stack exhausted");
}

const WAYS: [Apply; 5] = [dynamic, typed, resumable, by_table, in_another_store];

fn exhaust_in_every_way(module: &Module) {
    for apply in WAYS {
        for name in ["run", "indirect", "tail", "turns"] {
            let (mut store, run) = guest(module, apply, name).unwrap();
            for _ in 0..2 {
                is_exhausted(&run.call(&mut store, &[], &mut []).unwrap_err());
            }
            is_exhausted(&finished(run.call_resumable(&mut store, &[], &mut [])).unwrap_err());
        }
    }
}

fn module() -> Module {
    Module::new(&Engine::default(), wat::parse_str(APPLY).unwrap()).unwrap()
}

#[test]
fn a_host_function_that_calls_itself_exhausts_the_stack() {
    exhaust_in_every_way(&module());
}

#[test]
fn it_does_on_threads_with_little_stack() {
    for kib in [128, 256, 512, 1024] {
        let module = module();
        let thread = thread::Builder::new().stack_size(kib << 10);
        thread.spawn(move || exhaust_in_every_way(&module)).unwrap().join().unwrap();
    }
}

#[test]
fn host_functions_call_each_other_without_a_guest() {
    let mut store = Store::new(&Engine::default(), ());
    let apply =
        Func::try_wrap(&mut store, |caller: Caller<'_, ()>, f: Option<Func>| dynamic(caller, f.unwrap()))
            .unwrap();
    let itself = [Val::FuncRef(Some(apply))];
    for _ in 0..2 {
        is_exhausted(&apply.call(&mut store, &itself, &mut []).unwrap_err());
    }
    let ty = FuncType::new([ValType::FUNCREF], []);
    let again = Func::try_new(&mut store, ty, |mut caller, args, _| {
        let f = args[0].unwrap_func_ref().unwrap();
        f.call(&mut caller, args, &mut [])
    });
    let again = again.unwrap();
    is_exhausted(&again.call(&mut store, &[Val::FuncRef(Some(again))], &mut []).unwrap_err());
    is_exhausted(&again.call(&mut store, &itself, &mut []).unwrap_err());
}

#[test]
fn a_panic_of_a_host_function_leaves_the_depth_as_it_was() {
    let mut store = Store::new(&Engine::default(), ());
    let panics = Func::try_wrap(&mut store, || -> Result<(), Error> { panic!("the host's") }).unwrap();
    for _ in 0..300 {
        let call = std::panic::AssertUnwindSafe(|| panics.call(&mut store, &[], &mut []));
        assert!(std::panic::catch_unwind(call).is_err());
    }
    let fine = Func::try_wrap(&mut store, || 7).unwrap();
    let fine = fine.typed::<(), i32>(&store).unwrap();
    assert_eq!(fine.call(&mut store, ()).unwrap(), 7);
}
