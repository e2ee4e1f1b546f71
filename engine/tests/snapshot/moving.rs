//! Runs programs that move to another store after each slice of fuel.

use dunlin::{
    Caller, Config, Dispatch, Engine, Error, ErrorKind, Global, GlobalType, Linker, Memory, MemoryType,
    Module, Mutability, RefType, ResumableCall, Snapshot, Store, SuspendedCall, Table, TableType, Val,
    ValType,
};

/// A program: modules with the names that later ones import them by. The last one exports `run`.
pub(crate) struct Program<'a> {
    pub(crate) modules: Vec<(&'a str, &'a str)>,
    pub(crate) args: Vec<Val>,
}

impl<'a> Program<'a> {
    pub(crate) fn new(text: &'a str, args: &[Val]) -> Self {
        Self { modules: vec![("main", text)], args: args.to_vec() }
    }
}

/// What came of it: results or why it failed, the fuel that it took, and what the host was told.
#[derive(PartialEq, Debug)]
pub(crate) struct Outcome {
    pub(crate) results: Result<Vec<String>, String>,
    fuel: u64,
    pub(crate) told: Vec<i32>,
}

pub(crate) fn engine(change: impl FnOnce(&mut Config)) -> Engine {
    let mut config = Config::new();
    config.consume_fuel(true).snapshots(true).check_translation(true);
    config.wasm_function_references(true).wasm_exceptions(true).wasm_tail_call(true).wasm_multi_memory(true);
    change(&mut config);
    Engine::new(&config).unwrap()
}

/// The host's functions.
pub(crate) fn functions(engine: &Engine) -> Linker<Vec<i32>> {
    let mut linker = Linker::new(engine);
    linker
        .func_wrap("host", "twice", |mut caller: Caller<'_, Vec<i32>>, n: i32| {
            caller.data_mut().push(n);
            n.wrapping_mul(2)
        })
        .unwrap();
    // The embedder answers.
    linker
        .func_wrap("host", "ask", |mut caller: Caller<'_, Vec<i32>>, n: i32| -> Result<i32, Error> {
            caller.data_mut().push(n);
            Err(Error::msg("ask the embedder"))
        })
        .unwrap();
    linker
}

/// A store, and what the host has in it.
pub(crate) struct World {
    pub(crate) store: Store<Vec<i32>>,
    pub(crate) linker: Linker<Vec<i32>>,
}

impl World {
    pub(crate) fn new(engine: &Engine, told: Vec<i32>) -> Self {
        let (mut store, mut linker) = (Store::new(engine, told), functions(engine));
        let memory = Memory::new(&mut store, MemoryType::new(1, Some(4))).unwrap();
        linker.define(&store, "host", "memory", memory).unwrap();
        let table = TableType::new(RefType::FUNCREF, 4, Some(8));
        let table = Table::new(&mut store, table, Val::FuncRef(None)).unwrap();
        linker.define(&store, "host", "table", table).unwrap();
        let ty = GlobalType::new(ValType::I64, Mutability::Var);
        let counter = Global::new(&mut store, ty, Val::I64(100)).unwrap();
        linker.define(&store, "host", "counter", counter).unwrap();
        Self { store, linker }
    }

    /// Begins a program with so much fuel.
    pub(crate) fn begin(
        &mut self,
        program: &Program<'_>,
        fuel: u64,
    ) -> (Result<ResumableCall, Error>, Vec<Val>) {
        let mut last = None;
        for (name, text) in &program.modules {
            let module = Module::new(self.store.engine(), text).unwrap();
            let instance = self.linker.instantiate(&mut self.store, &module).unwrap();
            self.linker.instance(&self.store, name, instance).unwrap();
            last = Some(instance);
        }
        let run = last.unwrap().get_func(&self.store, "run").unwrap();
        let mut results = vec![Val::I32(0); run.ty(&self.store).results().len()];
        self.store.set_fuel(fuel).unwrap();
        (run.call_resumable(&mut self.store, &program.args, &mut results), results)
    }

    pub(crate) fn snapshot(&mut self, call: &SuspendedCall) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        match call.snapshot(&mut self.store, &self.linker, b"kept", &mut bytes) {
            Ok(()) => Ok(bytes),
            Err(error) => {
                assert!(bytes.is_empty(), "something was written before that was refused");
                Err(error)
            }
        }
    }

    /// Restores a snapshot of a program.
    pub(crate) fn restore(
        &mut self,
        program: &Program<'_>,
        bytes: &[u8],
    ) -> Result<Option<SuspendedCall>, Error> {
        let engine = self.store.engine().clone();
        let modules: Vec<_> =
            program.modules.iter().map(|(_, text)| Module::new(&engine, text).unwrap()).collect();
        let snapshot = Snapshot::open(engine.budget(), bytes)?;
        let modules: Vec<_> = modules.iter().collect();
        Ok(snapshot.restore(&mut self.store, &self.linker, &modules)?.call)
    }
}

/// Runs it with `slice` of fuel at a time. With `engines`, it goes on in another store, of the next engine, each time.
pub(crate) fn run(program: &Program<'_>, slice: u64, engines: &[Engine]) -> Outcome {
    run_on(program, slice, World::new(&engines[0], Vec::new()), |mut world, suspended, times| {
        if engines.len() == 1 {
            return (world, suspended);
        }
        let bytes = world.snapshot(&suspended).unwrap();
        let told = std::mem::take(world.store.data_mut());
        let mut next = World::new(&engines[times % engines.len()], told);
        let restored = next.restore(program, &bytes).unwrap().unwrap();
        assert_eq!(next.store.get_fuel().unwrap(), world.store.get_fuel().unwrap());
        assert_eq!(restored.reason().trap(), suspended.reason().trap());
        let again = next.snapshot(&restored).unwrap();
        assert!(bytes == again, "a snapshot of what was restored is another one");
        (next, restored)
    })
}

/// Runs it with `slice` of fuel at a time; each time, `next` says where it goes on.
pub(crate) fn run_on(
    program: &Program<'_>,
    slice: u64,
    mut world: World,
    next: impl FnMut(World, SuspendedCall, usize) -> (World, SuspendedCall),
) -> Outcome {
    let (call, results) = world.begin(program, slice);
    finish(world, call, results, slice, next)
}

/// Runs what has begun to its end, likewise.
pub(crate) fn finish(
    mut world: World,
    mut call: Result<ResumableCall, Error>,
    mut results: Vec<Val>,
    slice: u64,
    mut next: impl FnMut(World, SuspendedCall, usize) -> (World, SuspendedCall),
) -> Outcome {
    let (mut given, mut times) = (slice, 0);
    let failure = loop {
        let mut suspended = match call {
            Ok(ResumableCall::Finished) => break None,
            Ok(ResumableCall::Suspended(suspended)) => suspended,
            Err(error) => break Some(error.to_string()),
        };
        times += 1;
        (world, suspended) = next(world, suspended, times);
        call = if suspended.host_func(&mut world.store).is_some() {
            suspended.resume_with(&mut world.store, &[Val::I32(5)], &mut results)
        } else {
            let left = world.store.get_fuel().unwrap();
            world.store.set_fuel(left + slice).unwrap();
            given += slice;
            suspended.resume(&mut world.store, &mut results)
        };
    };
    let results = match failure {
        None => Ok(results.iter().map(|val| format!("{val:?}")).collect()),
        Some(error) => Err(error),
    };
    Outcome { results, fuel: given - world.store.get_fuel().unwrap(), told: world.store.into_data() }
}

/// Asserts that moving changes nothing, and that clones do what the original does.
#[track_caller]
pub(crate) fn assert_moves(program: &Program<'_>) {
    let whole = assert_moves_alone(program);
    // Clones can't share what the host has in a store.
    if program.modules.len() == 1 {
        assert_clones(program, &whole);
    }
}

/// Asserts that moving changes nothing: between both ways of dispatch, small and large budgets and stacks.
#[track_caller]
pub(crate) fn assert_moves_alone(program: &Program<'_>) -> Outcome {
    let stays = [engine(|_| {})];
    let whole = run(program, 1 << 40, &stays);
    let engines = [
        engine(|config| _ = config.dispatch(Dispatch::Tail)),
        engine(|config| _ = config.dispatch(Dispatch::Loop).budget(dunlin::Budget::new(8 << 20))),
        engine(|config| _ = config.max_wasm_stack(1 << 18).canonical_nans(true)),
    ];
    for slice in [1, 2, 3, 7, 40] {
        assert_eq!(run(program, slice, &engines), whole, "slices of {slice}");
    }
    whole
}

/// Asserts that clones compute what the original does, wherever that stands.
#[track_caller]
pub(crate) fn assert_clones(program: &Program<'_>, whole: &Outcome) {
    for (slice, dispatch) in [(1, Dispatch::Tail), (3, Dispatch::Loop), (40, Dispatch::Tail)] {
        let engine = engine(|config| _ = config.dispatch(dispatch));
        // Nothing in it belongs to a store, so all clones have the same.
        let hosts = functions(&engine);
        let world = |told| World { store: Store::new(&engine, told), linker: hosts.clone() };
        let bytes = |call: &SuspendedCall, of: &mut World| {
            let mut bytes = Vec::new();
            call.snapshot(&mut of.store, &hosts, b"", &mut bytes).unwrap();
            bytes
        };
        let by_clones = run_on(program, slice, world(Vec::new()), |mut original, suspended, times| {
            let clones = suspended.snapshot_pre(&mut original.store, &hosts).unwrap();
            let was = bytes(&suspended, &mut original);
            let clone = || {
                let mut next = world(original.store.data().clone());
                let restored = clones.restore(&mut next.store).unwrap();
                let call = restored.call.unwrap();
                assert!(was == bytes(&call, &mut next), "a snapshot of a clone is another one");
                assert_eq!(call.reason().to_string(), suspended.reason().to_string());
                (next, call)
            };
            let (next, call) = clone();
            if times % 16 == 3 {
                // What this one does, the others don't see.
                let (other, call) = clone();
                let results = vec![Val::I32(0)];
                let call = Ok(ResumableCall::Suspended(call));
                let outcome = finish(other, call, results, 1 << 30, |world, call, _| (world, call));
                assert_eq!((&outcome.results, &outcome.told), (&whole.results, &whole.told));
            }
            (next, call)
        });
        assert_eq!(by_clones, *whole, "slices of {slice}");
    }
}

/// Asserts that an error has this kind, and says this.
#[track_caller]
pub(crate) fn assert_refused<T>(result: Result<T, Error>, kind: ErrorKind, says: &str) {
    match result {
        Ok(_) => panic!("it isn't refused: {says}"),
        Err(error) => assert!(
            error.kind() == kind && error.to_string().contains(says),
            "{:?}: {error}, not {kind:?}: {says}",
            error.kind()
        ),
    }
}
