//! Drained requests whose files are damaged or forged.
#![cfg(feature = "wagi")]

mod common;

use common::Running;
use dunlin::{Config, Engine, Linker, Module, Snapshot, Store};
use dunlin_hosts::server::{Failure, Handler, Limits, Parts, Request, Responder, ServerOptions};
use dunlin_hosts::services::log::KeptLog;
use dunlin_hosts::wagi::{Drain, Program, ProgramOptions, Route, Site, TakenUp};
use dunlin_wasi_lite::{WasiCtx, WasiCtxBuilder, add_to_linker};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Prints a part of a head, waits until somebody writes to its memory, and prints the rest, and what it reads.
const WAITS: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\80\00\00\00\0a\00\00\00\8a\00\00\00\10\00\00\00\00\01\00\00\64\00\00\00")
    (data (i32.const 128) "content-type: text/plain\n\n")
    (func (export "_start")
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))
        (loop $wait (br_if $wait (i32.eqz (i32.load (i32.const 64)))))
        (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 32)))
        (drop (call $read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 20)))
        (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 32)))))"#;

/// A site, for a server and for what takes requests up.
struct Shared(Arc<Site>);

impl Handler for Shared {
    fn handle(&self, request: Request, responder: Responder) -> Result<(), Failure> {
        self.0.handle(request, responder)
    }

    fn limits(&self, head: &Parts, default: &Limits) -> Limits {
        self.0.limits(head, default)
    }
}

struct World {
    engine: Engine,
    module: Module,
    log: KeptLog,
    folder: PathBuf,
    limits: Limits,
}

impl World {
    fn new(test: &str, text: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
        let _ = fs::remove_dir_all(&folder);
        Self::with(Config::new().snapshots(true), folder, text)
    }

    fn with(config: &Config, folder: PathBuf, text: &str) -> Self {
        let engine = Engine::new(config).unwrap();
        let module = Module::new(&engine, text).unwrap();
        let limits = Limits { time: Duration::from_secs(60), ..Limits::default() };
        Self { engine, module, log: KeptLog::default(), folder, limits }
    }

    /// Whether the log has a line with these words.
    fn logged(&self, words: &str) -> bool {
        self.log.lines().iter().any(|(_, _, line)| line.contains(words))
    }

    fn site(&self) -> (Drain, Arc<Site>) {
        // A connection's thread of the server that had it before may not have let go of it yet.
        let mut tries = 0..500;
        let drain = loop {
            match Drain::open(&self.folder, 1 << 30) {
                Err(_) if tries.next().is_some() => std::thread::sleep(Duration::from_millis(10)),
                opened => break opened.unwrap(),
            }
        };
        let mut site = Site::new(Arc::new(self.log.clone()));
        site.drain_to(&drain);
        site.add(Route::all(), Program::new(&self.module, ProgramOptions::default()).unwrap());
        (drain, Arc::new(site))
    }

    fn options(&self) -> ServerOptions {
        ServerOptions {
            budget: self.engine.budget().clone(),
            log: Arc::new(self.log.clone()),
            limits: self.limits.clone(),
            ..ServerOptions::default()
        }
    }

    /// The file of a request that was drained.
    fn drained(&self) -> Vec<u8> {
        let (drain, site) = self.site();
        let mut server = Running::start(Shared(site), |options| *options = self.options());
        let mut client = server.client();
        client.send("POST /a?b HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
        std::thread::sleep(Duration::from_millis(100));
        drain.begin();
        let reply = client.reply();
        assert_eq!(reply.status, 503);
        let id = reply.header("location").unwrap().strip_prefix(Drain::PATH).unwrap().to_owned();
        server.stop();
        let file = self.folder.join(format!("{id}.snap"));
        let bytes = fs::read(&file).unwrap();
        fs::remove_file(file).unwrap();
        bytes
    }

    /// The same request with what lies beside its instance changed, and its program let go.
    fn forged(&self, file: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut linker = Linker::new(&self.engine);
        add_to_linker(&mut linker, |wasi: &mut WasiCtx| wasi).unwrap();
        let mut store = Store::new(&self.engine, WasiCtxBuilder::new().build());
        let snapshot = Snapshot::open(self.engine.budget(), file).unwrap();
        let mut beside = snapshot.embedder().to_vec();
        change(&mut beside);
        let restored = snapshot.restore(&mut store, &linker, &[&self.module]).unwrap();
        let memory = restored.instances[0].get_memory(&store, "memory").unwrap();
        memory.write(&mut store, 64, &[1]).unwrap();
        let mut bytes = Vec::new();
        restored.call.unwrap().snapshot(&mut store, &linker, &beside, &mut bytes).unwrap();
        bytes
    }

    /// What becomes of files: the status and the body of each.
    fn outcomes(&self, files: &[Vec<u8>]) -> Vec<(u16, String)> {
        fs::create_dir_all(&self.folder).unwrap();
        for (number, file) in files.iter().enumerate() {
            fs::write(self.folder.join(format!("{number:032x}.snap")), file).unwrap();
        }
        let (_drain, site) = self.site();
        let taken_up = TakenUp::start(&site, &self.options()).unwrap().unwrap();
        let server = Running::start(Shared(site), |options| *options = self.options());
        let mut client = server.client();
        let outcomes = (0..files.len()).map(|number| {
            loop {
                let reply = client.get(&format!("{}{number:032x}", Drain::PATH));
                if reply.status != 202 {
                    break (reply.status, reply.text());
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let outcomes = outcomes.collect();
        taken_up.end();
        for refused in ends(&self.folder, "refused") {
            fs::remove_file(refused).unwrap();
        }
        assert!(!self.logged("panicked"));
        assert!(!self.logged(&"0".repeat(9)), "logs don't say what answers are fetched by");
        outcomes
    }
}

fn ends(folder: &Path, end: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == end)).collect()
}

#[test]
fn damaged_files_are_set_aside() {
    let world = World::new("drain_damaged", WAITS);
    let file = world.drained();
    assert!(file.len() > 500, "{}", file.len());
    let step = (file.len() / 400).max(1);
    let flipped = (0..file.len()).step_by(step).map(|at| {
        let mut file = file.clone();
        file[at] ^= 1 << (at % 8);
        file
    });
    let cut = (0..file.len()).step_by(step).map(|end| file[..end].to_vec());
    let files: Vec<_> = flipped.chain(cut).take(1000).collect();
    for (number, (status, text)) in world.outcomes(&files).into_iter().enumerate() {
        assert_eq!((status, text.lines().count()), (410, 1), "{number}");
    }
    // It isn't for something else that they are.
    let whole = world.forged(&file, |_| {});
    assert_eq!(world.outcomes(&[whole]), [(200, "body".to_owned())]);
    assert_eq!(ends(&world.folder, "answer"), [""; 0].map(PathBuf::from));
}

/// Files whose checksums hold, and that say anything of what lies beside an instance.
#[test]
fn forged_files_are_refused_or_answered() {
    let world = World::new("drain_forged", WAITS);
    let file = world.drained();
    let len = Snapshot::open(world.engine.budget(), &file[..]).unwrap().embedder().len();
    let flipped = (0..len).map(|at| world.forged(&file, |beside| beside[at] ^= 0xff));
    let cut = (0..len).step_by(7).map(|end| world.forged(&file, |beside| beside.truncate(end)));
    let files: Vec<_> = flipped.chain(cut).take(1000).collect();
    let mut statuses = std::collections::BTreeMap::<u16, usize>::new();
    for (status, _) in world.outcomes(&files) {
        *statuses.entry(status).or_default() += 1;
    }
    // Texts may be others, and what the program printed may become no answer.
    assert!(statuses.keys().all(|status| [200, 410, 500, 504].contains(status)), "{statuses:?}");
    assert!(statuses[&200] > 10 && statuses[&410] > 10, "{statuses:?}");
}

/// What was initialised once for all requests goes along.
#[test]
fn a_clone_goes_on() {
    let initialize = r#"(func (export "wizer.initialize") (i32.store8 (i32.const 154) (i32.const 33))
        (i32.store (i32.const 12) (i32.const 17)))"#;
    let text = WAITS.trim_end().strip_suffix(')').unwrap().to_owned() + initialize + ")";
    let world = World::new("drain_clone", &text);
    let file = world.drained();
    let file = world.forged(&file, |_| {});
    assert_eq!(world.outcomes(&[file]), [(200, "!body".to_owned())]);
}

/// What another server can't go on with: it has too little memory, or counts fuel where the first one didn't.
#[test]
fn what_does_not_fit_is_set_aside() {
    let world = World::new("drain_unfit", WAITS);
    let file = world.drained();
    let mut config = Config::new();
    let mut small = World::with(config.snapshots(true), world.folder.clone(), WAITS);
    small.limits.memory = 64 << 10;
    let fuelled = World::with(config.consume_fuel(true), world.folder.clone(), WAITS);
    for (other, word) in [(small, "budget"), (fuelled, "fuel")] {
        assert_eq!(other.outcomes(std::slice::from_ref(&file))[0].0, 410, "{word}");
        let why = format!("{:?}", other.log.lines());
        assert!(why.contains("is set aside: ") && why.contains(word), "{why}");
    }
}

/// An hour for answers, and a day for what can't go on; then they are gone, and their room is free again.
#[test]
fn files_go_when_their_time_is_over() {
    let world = World::new("drain_old", WAITS);
    drop(world.site());
    let hour = Duration::from_secs(60 * 60);
    let minute = Duration::from_secs(60);
    let answer = "content-type: text/plain\n\nit";
    let files = [
        ("answer", hour + minute, 404),
        ("answer", hour - minute, 200),
        ("refused", 24 * hour + minute, 404),
        ("refused", 24 * hour - minute, 410),
        // The server wasn't there for long: it waits as long as it takes, and then its day begins.
        ("snap", 48 * hour, 410),
    ];
    for (number, (end, age, _)) in files.iter().enumerate() {
        let path = world.folder.join(format!("{number:032x}.{end}"));
        fs::write(&path, answer).unwrap();
        let file = fs::File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - *age).unwrap();
    }
    for round in 0..2 {
        let (drain, site) = world.site();
        let taken_up = TakenUp::start(&site, &world.options()).unwrap().unwrap();
        let mut server = Running::start(Shared(site), |options| *options = world.options());
        let mut client = server.client();
        for (number, (end, age, status)) in files.iter().enumerate() {
            let path = format!("{}{number:032x}", Drain::PATH);
            let mut reply = client.get(&path);
            while reply.status == 202 {
                std::thread::sleep(Duration::from_millis(5));
                reply = client.get(&path);
            }
            // What is fetched is gone.
            let status = if round == 1 && *status == 200 { 404 } else { *status };
            assert_eq!(reply.status, status, "{end} {age:?}");
        }
        server.stop();
        taken_up.end();
        drop(drain);
        assert_eq!((ends(&world.folder, "answer").len(), ends(&world.folder, "refused").len()), (0, 2));
    }
}
