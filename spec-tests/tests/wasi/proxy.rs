//! A guest that passes calls on, so that a test can call every function through a real instance.

use dunlin::{Engine, Error, ExternType, Instance, Linker, Memory, Module, Store, Val, ValType, ValTypes};
use dunlin_wasi_lite::{FUNCTIONS, WasiCtx, WasiCtxBuilder, add_to_linker};
use std::fmt::Write;
use std::sync::LazyLock;

pub(crate) const ACCES: u16 = 2;
pub(crate) const BADF: u16 = 8;
pub(crate) const FAULT: u16 = 21;
pub(crate) const INVAL: u16 = 28;
pub(crate) const PERM: u16 = 63;

pub(crate) const READ: u64 = 1 << 1;
pub(crate) const WRITE: u64 = 1 << 6;
pub(crate) const CREAT: u32 = 1;
pub(crate) const DIRECTORY: u32 = 2;
pub(crate) const EXCL: u32 = 4;
pub(crate) const TRUNC: u32 = 8;
pub(crate) const FOLLOW: u32 = 1;
pub(crate) const APPEND: u32 = 1;

/// The size of the guest's memory.
pub(crate) const MEMORY: u32 = 4 << 16;

/// Where the helpers below put what they pass. Results are at 0.
const IOVS: u32 = 128;
const PATHS: [u32; 2] = [1024, 8192];
pub(crate) const BUF: u32 = 16_384;

/// The module, and what each of its functions takes.
struct Made {
    engine: Engine,
    linker: Linker<WasiCtx>,
    module: Module,
    params: Vec<(&'static str, Vec<ValType>)>,
}

const PREVIEW1: &str = "wasi_snapshot_preview1";
const UNSTABLE: &str = "wasi_unstable";

static MADE: [LazyLock<Made>; 2] = [LazyLock::new(|| make(PREVIEW1)), LazyLock::new(|| make(UNSTABLE))];

fn make(from: &str) -> Made {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    add_to_linker(&mut linker, |ctx| ctx).unwrap();
    let mut store = Store::new(&engine, WasiCtxBuilder::new().build());
    let (mut imports, mut exports, mut params) = (String::new(), String::new(), Vec::new());
    for (name, _) in FUNCTIONS {
        let Some(item) = linker.get(&mut store, from, name) else {
            assert_eq!((from, *name), (UNSTABLE, "sock_accept"), "the only one that there was no earlier");
            continue;
        };
        let ExternType::Func(ty) = item.ty(&store) else { panic!("{name} is no function") };
        let types = |types: ValTypes<'_>| types.map(|ty| format!(" {ty}")).collect::<String>();
        let signature = format!("(param{}) (result{})", types(ty.params()), types(ty.results()));
        let arguments: String = (0..ty.params().len()).map(|index| format!(" (local.get {index})")).collect();
        writeln!(imports, r#"(import "{from}" "{name}" (func ${name} {signature}))"#).unwrap();
        writeln!(exports, r#"(func (export "{name}") {signature} (call ${name}{arguments}))"#).unwrap();
        params.push((*name, ty.params().collect()));
    }
    let pages = MEMORY >> 16;
    let text = format!(r#"(module {imports} (memory (export "memory") {pages} {pages}) {exports})"#);
    let module = Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
    Made { engine, linker, module, params }
}

pub(crate) struct Proxy {
    made: &'static Made,
    store: Store<WasiCtx>,
    instance: Instance,
    memory: Memory,
}

/// What the guest learns of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) ino: u64,
    pub(crate) filetype: u8,
    pub(crate) size: u64,
}

type Result<T = (), E = u16> = std::result::Result<T, E>;

impl Proxy {
    pub(crate) fn new(ctx: WasiCtx) -> Self {
        Self::of(&MADE[0], ctx)
    }

    /// One that was made for `wasi_unstable`.
    pub(crate) fn unstable(ctx: WasiCtx) -> Self {
        Self::of(&MADE[1], ctx)
    }

    fn of(made: &'static Made, ctx: WasiCtx) -> Self {
        let mut store = Store::new(&made.engine, ctx);
        let instance = made.linker.instantiate(&mut store, &made.module).unwrap();
        let memory = instance.get_memory(&store, "memory").unwrap();
        Self { made, store, instance, memory }
    }

    /// What each function takes, by name.
    pub(crate) fn signatures(&self) -> &'static [(&'static str, Vec<ValType>)] {
        &self.made.params
    }

    pub(crate) fn memory(&mut self) -> &mut [u8] {
        self.memory.data_mut(&mut self.store)
    }

    /// Calls a function with these arguments; those of 32 bits are cut off.
    pub(crate) fn try_call(
        &mut self,
        name: &str,
        args: &[u64],
    ) -> Result<(), std::result::Result<u16, Error>> {
        let (_, params) = self.made.params.iter().find(|(other, _)| *other == name).unwrap();
        assert_eq!(args.len(), params.len(), "{name}");
        let args: Vec<_> = params
            .iter()
            .zip(args)
            .map(|(ty, arg)| match ty {
                ValType::I64 => Val::I64(arg.cast_signed()),
                _ => Val::I32((*arg as u32).cast_signed()),
            })
            .collect();
        let function = self.instance.get_func(&self.store, name).unwrap();
        let mut results = vec![Val::I32(0); usize::from(name != "proc_exit")];
        function.call(&mut self.store, &args, &mut results).map_err(Err)?;
        match results.first() {
            Some(Val::I32(0)) | None => Ok(()),
            Some(Val::I32(errno)) => Err(Ok(u16::try_from(*errno).unwrap())),
            Some(other) => panic!("{name}: {other:?}"),
        }
    }

    /// Calls a function that is expected to return.
    #[track_caller]
    pub(crate) fn call(&mut self, name: &str, args: &[u64]) -> Result {
        match self.try_call(name, args) {
            Ok(()) => Ok(()),
            Err(Ok(errno)) => Err(errno),
            Err(Err(error)) => panic!("{name}{args:?}: {error:?}"),
        }
    }

    pub(crate) fn store(&mut self, at: u32, bytes: &[u8]) {
        self.memory()[at as usize..][..bytes.len()].copy_from_slice(bytes);
    }

    pub(crate) fn load(&mut self, at: u32, len: u32) -> Vec<u8> {
        self.memory()[at as usize..][..len as usize].to_vec()
    }

    fn u32_at(&mut self, at: u32) -> u32 {
        u32::from_le_bytes(self.load(at, 4).try_into().unwrap())
    }

    pub(crate) fn u64_at(&mut self, at: u32) -> u64 {
        u64::from_le_bytes(self.load(at, 8).try_into().unwrap())
    }

    /// Calls a function that takes a descriptor, one path, and what comes `before` and `after` it.
    fn on_path(&mut self, name: &str, before: &[u64], path: &[u8], after: &[u64]) -> Result {
        self.store(PATHS[0], path);
        let path = [PATHS[0].into(), path.len() as u64];
        self.call(name, &[before, &path, after].concat())
    }

    pub(crate) fn path_open(
        &mut self,
        (dir, lookup): (u32, u32),
        path: &[u8],
        oflags: u32,
        rights: u64,
        fdflags: u32,
    ) -> Result<u32> {
        let inheriting = u64::from(u32::MAX);
        let after = [oflags.into(), rights, inheriting, fdflags.into(), 0];
        self.on_path("path_open", &[dir.into(), lookup.into()], path, &after)?;
        Ok(self.u32_at(0))
    }

    /// `path_create_directory`, `path_remove_directory` and `path_unlink_file`.
    pub(crate) fn change(&mut self, name: &str, dir: u32, path: &[u8]) -> Result {
        self.on_path(name, &[dir.into()], path, &[])
    }

    pub(crate) fn path_filestat_get(&mut self, (dir, lookup): (u32, u32), path: &[u8]) -> Result<Stat> {
        self.on_path("path_filestat_get", &[dir.into(), lookup.into()], path, &[0])?;
        Ok(self.stat())
    }

    pub(crate) fn fd_filestat_get(&mut self, fd: u32) -> Result<Stat> {
        self.call("fd_filestat_get", &[fd.into(), 0])?;
        Ok(self.stat())
    }

    fn stat(&mut self) -> Stat {
        Stat { ino: self.u64_at(8), filetype: self.load(16, 1)[0], size: self.u64_at(32) }
    }

    pub(crate) fn path_filestat_set_times(&mut self, (dir, lookup): (u32, u32), path: &[u8]) -> Result {
        let (time, both) = (1_000_000_000, 1 | 4);
        self.on_path("path_filestat_set_times", &[dir.into(), lookup.into()], path, &[time, time, both])
    }

    pub(crate) fn path_readlink(&mut self, dir: u32, path: &[u8]) -> Result<Vec<u8>> {
        self.on_path("path_readlink", &[dir.into()], path, &[BUF.into(), 4096, 0])?;
        let len = self.u32_at(0);
        Ok(self.load(BUF, len))
    }

    pub(crate) fn path_symlink(&mut self, target: &[u8], dir: u32, path: &[u8]) -> Result {
        self.store(PATHS[1], target);
        self.on_path_after("path_symlink", &[PATHS[1].into(), target.len() as u64, dir.into()], path)
    }

    pub(crate) fn path_rename(&mut self, (old, from): (u32, &[u8]), (new, to): (u32, &[u8])) -> Result {
        self.store(PATHS[1], from);
        self.on_path_after("path_rename", &[old.into(), PATHS[1].into(), from.len() as u64, new.into()], to)
    }

    pub(crate) fn path_link(
        &mut self,
        (old, lookup, from): (u32, u32, &[u8]),
        (new, to): (u32, &[u8]),
    ) -> Result {
        self.store(PATHS[1], from);
        let before = [old.into(), lookup.into(), PATHS[1].into(), from.len() as u64, new.into()];
        self.on_path_after("path_link", &before, to)
    }

    fn on_path_after(&mut self, name: &str, before: &[u64], path: &[u8]) -> Result {
        self.on_path(name, before, path, &[])
    }

    /// Lays one buffer out, and calls one of the six functions that read or write.
    fn transfer(&mut self, name: &str, fd: u32, len: u32, offset: Option<u64>) -> Result<u32> {
        self.store(IOVS, &[BUF.to_le_bytes(), len.to_le_bytes()].concat());
        let args = match offset {
            Some(offset) => vec![fd.into(), IOVS.into(), 1, offset, 0],
            None => vec![fd.into(), IOVS.into(), 1, 0],
        };
        self.call(name, &args)?;
        Ok(self.u32_at(0))
    }

    pub(crate) fn read(&mut self, fd: u32, len: u32, offset: Option<u64>) -> Result<Vec<u8>> {
        let name = if offset.is_some() { "fd_pread" } else { "fd_read" };
        let count = self.transfer(name, fd, len, offset)?;
        Ok(self.load(BUF, count))
    }

    pub(crate) fn write(&mut self, fd: u32, bytes: &[u8], offset: Option<u64>) -> Result<u32> {
        self.store(BUF, bytes);
        let name = if offset.is_some() { "fd_pwrite" } else { "fd_write" };
        self.transfer(name, fd, bytes.len() as u32, offset)
    }

    pub(crate) fn seek(&mut self, fd: u32, offset: i64, whence: u32) -> Result<u64> {
        self.call("fd_seek", &[fd.into(), offset.cast_unsigned(), whence.into(), 0])?;
        Ok(self.u64_at(0))
    }

    pub(crate) fn close(&mut self, fd: u32) -> Result {
        self.call("fd_close", &[fd.into()])
    }

    /// One call of `fd_readdir`: what it stored.
    pub(crate) fn readdir(&mut self, fd: u32, len: u32, cookie: u64) -> Result<Vec<u8>> {
        self.call("fd_readdir", &[fd.into(), BUF.into(), len.into(), cookie, 0])?;
        let used = self.u32_at(0);
        Ok(self.load(BUF, used))
    }
}
