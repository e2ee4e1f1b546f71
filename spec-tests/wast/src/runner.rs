//! Executes the directives of a script.

use crate::encode::{encode, lex};
#[cfg(feature = "snapshot")]
use crate::moving::Moves;
use crate::report::{Failure, Kind, Report};
use crate::{spectest, values};
use dunlin::{
    Config, Engine, Error, ErrorKind, Instance, Linker, Module, ModuleStream, SharedMemory, Store, Val,
};
use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread::{Scope, ScopedJoinHandle};
use wast::token::{Id, Span};
use wast::{QuoteWat, Wast, WastDirective, WastExecute, WastInvoke, WastRet, parser};

/// Runs a script in a store of its own, with an engine of this configuration. The name stands in the failures.
///
/// A panic of Dunlin's is a failure too; the rest of the script isn't run then, nor counted.
pub fn run_script(name: &str, text: &str, config: &Config) -> Report {
    let mut script = Script::new(name, text);
    script.report.counts.of(Kind::Script).total += 1;
    if let Err((span, mismatch)) = script.run(config) {
        script.fail(Kind::Script, span, mismatch);
    }
    script.report
}

/// The same, with the world moved to another store, by a snapshot, whenever `slice` units of fuel are used up: the configuration has
/// to have fuel counted and [snapshots](Config::snapshots) on.
#[cfg(feature = "snapshot")]
pub fn run_script_moving(name: &str, text: &str, config: &Config, slice: u64) -> (Report, Moves) {
    let moves = Moves { slice, ..Moves::default() };
    let mut script = Script { name, text, report: Report::default(), moves };
    script.report.counts.of(Kind::Script).total += 1;
    if let Err((span, mismatch)) = script.run(config) {
        script.fail(Kind::Script, span, mismatch);
    }
    (script.report, script.moves)
}

/// What becomes of a script, or of what one of its threads does.
struct Script<'a> {
    name: &'a str,
    text: &'a str,
    report: Report,
    #[cfg(feature = "snapshot")]
    moves: Moves,
}

/// What came of a directive instead of what should have.
struct Mismatch {
    expected: String,
    got: String,
    /// Whether Dunlin lacks what it takes.
    refused: bool,
}

fn mismatch(expected: impl Into<String>, got: impl Into<String>) -> Mismatch {
    Mismatch { expected: expected.into(), got: got.into(), refused: false }
}

/// A mismatch because Dunlin lacks what it takes.
fn refusal(expected: impl Into<String>, got: impl Into<String>) -> Mismatch {
    Mismatch { refused: true, ..mismatch(expected, got) }
}

impl<'a> Script<'a> {
    fn new(name: &'a str, text: &'a str) -> Self {
        Script {
            name,
            text,
            report: Report::default(),
            #[cfg(feature = "snapshot")]
            moves: Moves::default(),
        }
    }

    fn run(&mut self, config: &Config) -> Result<(), (Span, Mismatch)> {
        let not_a_script = |error: wast::Error| (error.span(), mismatch("a script", error.message()));
        let buffer = lex(self.text).map_err(not_a_script)?;
        let script = parser::parse::<Wast<'_>>(&buffer).map_err(not_a_script)?;
        let runner = Engine::new(config).and_then(|engine| Runner::new(&engine));
        let runner =
            runner.map_err(|error| (Span::from_offset(0), mismatch("an engine", error.to_string())))?;
        std::thread::scope(|scope| self.directives(runner, script.directives, scope));
        Ok(())
    }

    /// Executes directives in order, those of threads on threads of their own. Ends when these have ended.
    fn directives<'scope>(
        &mut self,
        mut runner: Runner,
        directives: Vec<WastDirective<'scope>>,
        scope: &'scope Scope<'scope, '_>,
    ) where
        'a: 'scope,
    {
        #[cfg(feature = "snapshot")]
        {
            runner.moves.slice = self.moves.slice;
        }
        let mut threads = HashMap::new();
        for directive in directives {
            let (kind, span) = (kind(&directive), directive.span());
            self.report.counts.of(kind).total += 1;
            match directive {
                WastDirective::Thread(thread) => {
                    let name = thread.name.name().to_owned();
                    match runner.for_thread(thread.shared_module) {
                        Ok(runner) => {
                            let mut part = Script::new(self.name, self.text);
                            let run = move || {
                                part.directives(runner, thread.directives, scope);
                                part.report
                            };
                            threads.insert(name, scope.spawn(run));
                        }
                        Err(mismatch) => self.fail(kind, span, mismatch),
                    }
                }
                WastDirective::Wait { thread, .. } => match threads.remove(thread.name()) {
                    Some(thread) => self.join(thread),
                    None => self.fail(kind, span, mismatch("a thread of this name", "no such thread")),
                },
                directive => match catch_unwind(AssertUnwindSafe(|| runner.directive(directive))) {
                    Ok(Ok(())) => {}
                    Ok(Err(mismatch)) => self.fail(kind, span, mismatch),
                    Err(panic) => {
                        self.fail(kind, span, mismatch("no panic", panic_text(&*panic)));
                        // Whatever the panic left behind would make the rest meaningless.
                        std::mem::forget(runner);
                        return;
                    }
                },
            }
        }
        threads.into_values().for_each(|thread| self.join(thread));
        self.report.reworded += runner.reworded;
        #[cfg(feature = "snapshot")]
        {
            self.moves = runner.moves;
        }
    }

    fn join(&mut self, thread: ScopedJoinHandle<'_, Report>) {
        match thread.join() {
            Ok(report) => self.report.merge(report),
            Err(panic) => {
                self.fail(Kind::Wait, Span::from_offset(0), mismatch("no panic", panic_text(&*panic)));
            }
        }
    }

    fn fail(&mut self, kind: Kind, span: Span, mismatch: Mismatch) {
        let (line, column) = span.linecol_in(self.text);
        let Mismatch { expected, got, refused } = mismatch;
        let script = self.name.to_owned();
        self.report.fail(Failure {
            script,
            line: line + 1,
            column: column + 1,
            kind,
            expected,
            got,
            refused,
        });
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    format!("a panic: {}", text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("not a text"))
}

fn kind(directive: &WastDirective<'_>) -> Kind {
    match directive {
        WastDirective::Module(_) => Kind::Module,
        WastDirective::ModuleDefinition(_) => Kind::ModuleDefinition,
        WastDirective::ModuleInstance { .. } => Kind::ModuleInstance,
        WastDirective::AssertMalformed { .. } => Kind::AssertMalformed,
        WastDirective::AssertInvalid { .. } => Kind::AssertInvalid,
        WastDirective::AssertInvalidCustom { .. } => Kind::AssertInvalidCustom,
        WastDirective::AssertMalformedCustom { .. } => Kind::AssertMalformedCustom,
        WastDirective::Register { .. } => Kind::Register,
        WastDirective::Invoke(_) => Kind::Invoke,
        WastDirective::AssertTrap { .. } => Kind::AssertTrap,
        WastDirective::AssertReturn { .. } => Kind::AssertReturn,
        WastDirective::AssertExhaustion { .. } => Kind::AssertExhaustion,
        WastDirective::AssertUnlinkable { .. } => Kind::AssertUnlinkable,
        WastDirective::AssertException { .. } => Kind::AssertException,
        WastDirective::AssertSuspension { .. } => Kind::AssertSuspension,
        WastDirective::Thread(_) => Kind::Thread,
        WastDirective::Wait { .. } => Kind::Wait,
    }
}

/// The world of a script.
pub(crate) struct Runner {
    pub(crate) store: Store<()>,
    pub(crate) linker: Linker<()>,
    modules: Named<Module>,
    pub(crate) instances: Named<Instance>,
    /// What another thread shares with this one: the name of its module, and the memories that that exports.
    shared: Option<(String, Vec<(String, SharedMemory)>)>,
    /// What would be registered by these names if Dunlin had what it takes.
    refused: HashSet<String>,
    reworded: u64,
    /// What is registered, in the order in which that was done.
    #[cfg(feature = "snapshot")]
    pub(crate) registered: Vec<(String, Instance)>,
    #[cfg(feature = "snapshot")]
    pub(crate) moves: Moves,
}

/// Things that directives define, and refer to by name or as the latest.
pub(crate) struct Named<T> {
    what: &'static str,
    latest: Result<T, Missing>,
    by_name: HashMap<String, Result<T, Missing>>,
}

/// Why there is no such thing.
#[derive(Clone, Copy)]
struct Missing {
    /// It would be there if Dunlin had what it takes.
    refused: bool,
}

impl<T: Clone> Named<T> {
    /// Replaces every thing.
    #[cfg(feature = "snapshot")]
    pub(crate) fn replace(&mut self, mut with: impl FnMut(&mut T)) {
        self.by_name.values_mut().chain([&mut self.latest]).flatten().for_each(&mut with);
    }

    fn new(what: &'static str) -> Self {
        Self { what, latest: Err(Missing { refused: false }), by_name: HashMap::new() }
    }

    /// Nothing is the latest if what should be can't be had: what follows then fails instead of taking another.
    fn define(&mut self, name: Option<Id<'_>>, thing: &Result<T, Mismatch>) {
        let thing = match thing {
            Ok(thing) => Ok(thing.clone()),
            Err(mismatch) => Err(Missing { refused: mismatch.refused }),
        };
        if let Some(name) = name {
            self.by_name.insert(name.name().to_owned(), thing.clone());
        }
        self.latest = thing;
    }

    fn get(&self, name: Option<Id<'_>>) -> Result<T, Mismatch> {
        let (found, text) = match name {
            Some(name) => (self.by_name.get(name.name()), format!("${}", name.name())),
            None => (Some(&self.latest), "before this".to_owned()),
        };
        let what = self.what;
        found.cloned().unwrap_or(Err(Missing { refused: false })).map_err(|Missing { refused }| Mismatch {
            refused,
            ..mismatch(format!("a {what} {text}"), format!("no such {what}"))
        })
    }
}

impl Runner {
    fn new(engine: &Engine) -> Result<Self, Error> {
        let mut store = Store::try_new(engine, ())?;
        // Where fuel isn't counted, none is needed.
        let _ = store.set_fuel(u64::MAX);
        let mut linker = Linker::new(engine);
        linker.allow_shadowing(true);
        spectest::define(&mut store, &mut linker)?;
        let (modules, instances) = (Named::new("module"), Named::new("instance"));
        Ok(Self {
            store,
            linker,
            modules,
            instances,
            shared: None,
            refused: HashSet::new(),
            reworded: 0,
            #[cfg(feature = "snapshot")]
            registered: Vec::new(),
            #[cfg(feature = "snapshot")]
            moves: Moves::default(),
        })
    }

    /// The world of a thread, in which a module's shared memories are there by the module's name.
    fn for_thread(&self, shared: Option<Id<'_>>) -> Result<Self, Mismatch> {
        let runner = Self::new(self.store.engine());
        let mut runner = runner.map_err(|error| mismatch("a store", error.to_string()))?;
        if let Some(name) = shared {
            let instance = self.instances.get(Some(name))?;
            let memories = instance.exports(&self.store).filter_map(|export| {
                let name = export.name().to_owned();
                Some((name, export.into_extern().into_shared_memory()?))
            });
            runner.shared = Some((name.name().to_owned(), memories.collect()));
        }
        Ok(runner)
    }

    /// Registers what is shared, if this is its module's name.
    fn register_shared(&mut self, name: &str, module: Option<Id<'_>>) -> Option<Result<(), Error>> {
        let shared =
            module.and_then(|module| self.shared.as_ref().filter(|shared| shared.0 == module.name()));
        let (_, memories) = shared?;
        Some(memories.iter().try_for_each(|(export, memory)| {
            self.linker.define(&self.store, name, export, memory.clone()).map(drop)
        }))
    }

    fn directive(&mut self, directive: WastDirective<'_>) -> Result<(), Mismatch> {
        match directive {
            WastDirective::Module(mut module) => {
                let name = module.name();
                let loaded = self.define(&mut module);
                let instance = loaded.and_then(|module| self.instantiate(&module));
                self.instances.define(name, &instance);
                instance.map(drop)
            }
            WastDirective::ModuleDefinition(mut module) => self.define(&mut module).map(drop),
            WastDirective::ModuleInstance { instance: name, module, .. } => {
                let module = self.modules.get(module);
                let instance = module.and_then(|module| self.instantiate(&module));
                self.instances.define(name, &instance);
                instance.map(drop)
            }
            WastDirective::Register { name, module, .. } => {
                let defined = match self.register_shared(name, module) {
                    Some(defined) => defined,
                    None => {
                        let instance = self.instances.get(module);
                        if instance.as_ref().is_err_and(|mismatch| mismatch.refused) {
                            self.refused.insert(name.to_owned());
                        }
                        let instance = instance?;
                        #[cfg(feature = "snapshot")]
                        self.registered.push((name.to_owned(), instance));
                        self.linker.instance(&self.store, name, instance).map(drop)
                    }
                };
                defined.map_err(|error| mismatch("its exports to be defined", error.to_string()))
            }
            WastDirective::Invoke(invoke) => match self.invoke(&invoke)? {
                Ok(_) => Ok(()),
                Err(error) => Err(mismatch("no error", failed(&error))),
            },
            WastDirective::AssertReturn { exec, results, .. } => self.assert_return(exec, &results),
            WastDirective::AssertTrap { exec, message, .. } => {
                let outcome = self.execute(exec)?;
                self.check_trap(outcome, message)
            }
            WastDirective::AssertExhaustion { call, message, .. } => {
                let outcome = self.invoke(&call)?;
                self.check_trap(outcome, message)
            }
            WastDirective::AssertInvalid { mut module, message, .. } => {
                self.check_rejected(&mut module, message, false)
            }
            WastDirective::AssertMalformed { mut module, message, .. }
            | WastDirective::AssertInvalidCustom { mut module, message, .. }
            | WastDirective::AssertMalformedCustom { mut module, message, .. } => {
                self.check_rejected(&mut module, message, true)
            }
            WastDirective::AssertUnlinkable { module, message, .. } => {
                self.assert_unlinkable(QuoteWat::Wat(module), message)
            }
            WastDirective::AssertException { exec, .. } => match self.execute(exec)? {
                Err(error) if error.kind() == ErrorKind::Exception => Ok(()),
                Err(error) => Err(mismatch("an exception", failed(&error))),
                Ok(results) => Err(mismatch("an exception", values::describe(&self.store, &results))),
            },
            WastDirective::AssertSuspension { .. } => Err(refusal("a suspension", "an engine without them")),
            WastDirective::Thread(_) | WastDirective::Wait { .. } => {
                unreachable!("the script's, not the world's")
            }
        }
    }

    /// Loads a module, which must be valid, and remembers it.
    fn define(&mut self, module: &mut QuoteWat<'_>) -> Result<Module, Mismatch> {
        let loaded = self.load_valid(module);
        self.modules.define(module.name(), &loaded);
        loaded
    }

    fn load_valid(&mut self, module: &mut QuoteWat<'_>) -> Result<Module, Mismatch> {
        let bytes = encode(module).map_err(|error| mismatch("a module", error.message()))?;
        self.load(&bytes).map_err(|error| Mismatch {
            refused: error.missing_feature().is_some(),
            ..mismatch("a valid module", error.to_string())
        })
    }

    /// Loads a module in the binary format only: to `Module::new`, what isn't binary may be text.
    fn load(&self, bytes: &[u8]) -> Result<Module, Error> {
        let mut stream = ModuleStream::new(self.store.engine());
        stream.push(bytes)?;
        stream.finish()
    }

    fn instantiate(&mut self, module: &Module) -> Result<Instance, Mismatch> {
        let instance = self.linker.instantiate(&mut self.store, module);
        instance.map_err(|error| Mismatch {
            refused: self.lacks_imports(module),
            ..mismatch("an instance", failed(&error))
        })
    }

    /// Whether a module imports what isn't there because Dunlin lacks what it takes.
    fn lacks_imports(&self, module: &Module) -> bool {
        module.imports().any(|import| self.refused.contains(import.module()))
    }

    /// What a call or an instantiation gives, or fails with; a mismatch if there is nothing to call.
    fn execute(&mut self, exec: WastExecute<'_>) -> Result<Result<Vec<Val>, Error>, Mismatch> {
        match exec {
            WastExecute::Invoke(invoke) => self.invoke(&invoke),
            WastExecute::Wat(module) => {
                let module = self.load_valid(&mut QuoteWat::Wat(module))?;
                Ok(self.linker.instantiate(&mut self.store, &module).map(|_| Vec::new()))
            }
            WastExecute::Get { module, global: name, .. } => {
                let instance = self.instances.get(module)?;
                match instance.get_global(&self.store, name) {
                    Some(global) => Ok(Ok(vec![global.get(&self.store)])),
                    None => Err(mismatch(format!("a global {name:?}"), "no such export")),
                }
            }
        }
    }

    fn invoke(&mut self, invoke: &WastInvoke<'_>) -> Result<Result<Vec<Val>, Error>, Mismatch> {
        let instance = self.instances.get(invoke.module)?;
        let name = invoke.name;
        let func = instance
            .get_func(&self.store, name)
            .ok_or_else(|| mismatch(format!("a function {name:?}"), "no such export"))?;
        let mut args = Vec::new();
        for arg in &invoke.args {
            let arg = values::argument(&mut self.store, arg);
            args.push(arg.map_err(|problem| refusal("an argument", problem))?);
        }
        let ty = func.ty(&self.store);
        let mut results: Vec<Val> = vec![Val::I32(0); ty.results().len()];
        #[cfg(feature = "snapshot")]
        if self.moves.slice > 0 {
            return Ok(self.call_moving(func, &args, &mut results).map(|()| results));
        }
        Ok(func.call(&mut self.store, &args, &mut results).map(|()| results))
    }

    fn assert_return(&mut self, exec: WastExecute<'_>, expected: &[WastRet<'_>]) -> Result<(), Mismatch> {
        match self.execute(exec)? {
            Ok(results) if values::all_match(&self.store, &results, expected) => Ok(()),
            Ok(results) => {
                Err(mismatch(values::describe_patterns(expected), values::describe(&self.store, &results)))
            }
            Err(error) => Err(mismatch(values::describe_patterns(expected), failed(&error))),
        }
    }

    fn check_trap(&self, outcome: Result<Vec<Val>, Error>, message: &str) -> Result<(), Mismatch> {
        let got = match outcome {
            Ok(results) => values::describe(&self.store, &results),
            Err(error) => match error.trap() {
                Some(trap) if trap_agrees(&trap.to_string(), message) => return Ok(()),
                _ => failed(&error),
            },
        };
        Err(mismatch(format!("the trap {message:?}"), got))
    }

    fn check_rejected(
        &mut self,
        module: &mut QuoteWat<'_>,
        message: &str,
        by_parser: bool,
    ) -> Result<(), Mismatch> {
        let wording = match encode(module) {
            Ok(bytes) => match self.load(&bytes) {
                Ok(_) => return Err(mismatch(format!("an error like {message:?}"), "a valid module")),
                Err(error) if matches!(error.kind(), ErrorKind::Invalid) => error.to_string(),
                Err(error) => return Err(mismatch(format!("an error like {message:?}"), error.to_string())),
            },
            Err(error) if by_parser => error.message(),
            Err(error) => return Err(mismatch("a module that can be parsed", error.message())),
        };
        self.reworded += u64::from(!wording.contains(message));
        Ok(())
    }

    fn assert_unlinkable(&mut self, mut module: QuoteWat<'_>, message: &str) -> Result<(), Mismatch> {
        let module = self.load_valid(&mut module)?;
        let got = match self.linker.instantiate(&mut self.store, &module) {
            Ok(_) => "an instance".to_owned(),
            Err(error) if error.kind() == ErrorKind::Link && error.to_string().contains(message) => {
                return Ok(());
            }
            Err(error) => failed(&error),
        };
        let refused = self.lacks_imports(&module);
        Err(Mismatch { refused, ..mismatch(format!("the link error {message:?}"), got) })
    }
}

/// An error that execution ended in, for people.
fn failed(error: &Error) -> String {
    match error.trap() {
        Some(_) => format!("the trap \"{error}\""),
        None => format!("the error \"{error}\""),
    }
}

/// Whether a trap is the expected one: see the crate's documentation for the rule.
fn trap_agrees(actual: &str, expected: &str) -> bool {
    let number = |rest: &str| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit());
    let null =
        actual == "null reference" && expected.starts_with("null ") && expected.ends_with(" reference");
    actual.starts_with(expected)
        || null
        || expected.strip_prefix(actual).and_then(|rest| rest.strip_prefix(' ')).is_some_and(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traps_agree_up_to_an_elements_index() {
        assert!(trap_agrees("unreachable", "unreachable"));
        assert!(trap_agrees("out of bounds memory access", "out of bounds"));
        assert!(trap_agrees("uninitialized element", "uninitialized element 2"));
        assert!(!trap_agrees("uninitialized element", "uninitialized element two"));
        assert!(!trap_agrees("undefined element", "uninitialized element"));
        assert!(!trap_agrees("out of bounds", "out of bounds memory access"));
        assert!(!trap_agrees("integer overflow", "overflow"));
        assert!(trap_agrees("null reference", "null function reference"));
        assert!(!trap_agrees("null reference", "reference"));
    }
}
