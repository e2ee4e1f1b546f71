//! Runs programs that move to another store after each slice of fuel.

use dunlin::{
    Caller, Config, Dispatch, Engine, Error, ErrorKind, Func, Linker, Module, ResumableCall, Snapshot, Store, Val,
};

/// A program with an export `run`.
pub struct Program {
    pub text: String,
    pub args: Vec<Val>,
}

/// What came of it: results or why it failed, the fuel that it took, and what the host was told.
#[derive(PartialEq, Debug)]
pub struct Outcome {
    pub results: Result<Vec<String>, String>,
    pub fuel: u64,
    pub told: Vec<i32>,
}

pub fn engine(dispatch: Dispatch) -> Engine {
    let mut config = Config::new();
    config.consume_fuel(true).snapshots(true).dispatch(dispatch).check_translation(true);
    config.wasm_function_references(true).wasm_exceptions(true).wasm_tail_call(true);
    Engine::new(&config).unwrap()
}

pub fn linker(engine: &Engine) -> Linker<Vec<i32>> {
    let mut linker = Linker::new(engine);
    linker
        .func_wrap("host", "twice", |mut caller: Caller<'_, Vec<i32>>, n: i32| {
            caller.data_mut().push(n);
            2 * n
        })
        .unwrap();
    // It fails at first, and is answered by the embedder.
    linker
        .func_wrap("host", "ask", |mut caller: Caller<'_, Vec<i32>>, n: i32| -> Result<i32, Error> {
            caller.data_mut().push(n);
            Err(Error::msg("ask the embedder"))
        })
        .unwrap();
    linker
}

fn run_of(engine: &Engine, linker: &Linker<Vec<i32>>, program: &Program) -> (Store<Vec<i32>>, Func) {
    let module = Module::new(engine, &program.text).unwrap();
    let mut store = Store::new(engine, Vec::new());
    let instance = linker.instantiate(&mut store, &module).unwrap();
    let run = instance.get_func(&store, "run").unwrap();
    (store, run)
}

/// Runs it with `slice` of fuel at a time. With `moves`, it goes on in another store each time.
pub fn run(program: &Program, slice: u64, moves: bool) -> Outcome {
    let engines = [Dispatch::Tail, Dispatch::Loop].map(engine);
    let linkers = engines.each_ref().map(linker);
    let (mut store, run) = run_of(&engines[0], &linkers[0], program);
    let mut results = vec![Val::I32(0); run.ty(&store).results().len()];
    let mut given = slice;
    store.set_fuel(slice).unwrap();
    let mut call = run.call_resumable(&mut store, &program.args, &mut results);
    let mut times = 0;
    let failure = loop {
        let suspended = match call {
            Ok(ResumableCall::Finished) => break None,
            Ok(ResumableCall::Suspended(suspended)) => suspended,
            Err(error) => break Some(error.to_string()),
        };
        let asked = suspended.host_func(&mut store).is_some();
        let suspended = if moves {
            times += 1;
            let (from, to) = (&linkers[(times + 1) % 2], &engines[times % 2]);
            let mut bytes = Vec::new();
            suspended.snapshot(&mut store, from, b"kept", &mut bytes).unwrap();
            let module = Module::new(to, &program.text).unwrap();
            let snapshot = Snapshot::open(to.budget(), &bytes[..]).unwrap();
            assert_eq!(snapshot.embedder(), b"kept");
            assert_eq!(snapshot.modules().collect::<Vec<_>>(), [module.digest().unwrap()]);
            let mut next = Store::new(to, std::mem::take(store.data_mut()));
            let restored = snapshot.restore(&mut next, &linkers[times % 2], &[&module]).unwrap();
            assert_eq!(next.get_fuel().unwrap(), store.get_fuel().unwrap());
            store = next;
            let call = restored.call.unwrap();
            // A snapshot of what was restored is the same.
            let mut again = Vec::new();
            call.snapshot(&mut store, &linkers[times % 2], b"kept", &mut again).unwrap();
            assert!(bytes == again, "a snapshot of what was restored is another one");
            call
        } else {
            suspended
        };
        call = if asked {
            suspended.resume_with(&mut store, &[Val::I32(5)], &mut results)
        } else {
            let left = store.get_fuel().unwrap();
            store.set_fuel(left + slice).unwrap();
            given += slice;
            suspended.resume(&mut store, &mut results)
        };
    };
    let results = match failure {
        None => Ok(results.iter().map(|val| format!("{val:?}")).collect()),
        Some(error) => Err(error),
    };
    Outcome { results, fuel: given - store.get_fuel().unwrap(), told: store.into_data() }
}

/// Asserts that moving changes nothing.
pub fn assert_moves(program: &Program) {
    let whole = run(program, 1 << 40, false);
    for slice in [1, 2, 3, 7, 50] {
        assert_eq!(run(program, slice, true), whole, "slices of {slice}");
    }
}

/// Asserts that an error has this kind, and says this.
#[track_caller]
pub fn assert_refused<T: std::fmt::Debug>(result: Result<T, Error>, kind: ErrorKind, says: &str) {
    let error = result.unwrap_err();
    assert!(error.kind() == kind && error.to_string().contains(says), "{:?}: {error}", error.kind());
}
