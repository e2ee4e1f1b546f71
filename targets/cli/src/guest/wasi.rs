//! The host functions for a guest: WASI, as far as the options allow.

#[cfg(feature = "trace")]
use crate::args::TraceTo;
use crate::args::{Dir, RunOptions};
use crate::failure::{Failure, io_reason};
use crate::modules::load::program_name;
#[cfg(feature = "trace")]
use crate::output::Lines;
use crate::output::complain;
use dunlin::{Engine, Error, ExternType, Linker, Store};
use dunlin_wasi_lite::{
    Capability, DirPerms, FilePerms, I32Exit, WasiCtx, WasiCtxBuilder, add_to_linker, capability, description,
};
use std::ffi::OsString;
use std::io;
use std::net::TcpListener;

/// The data of the guest's store.
pub(crate) type Wasi = WasiCtx;

/// The guest's WASI context.
pub(crate) fn context(options: &RunOptions) -> Result<Wasi, Failure> {
    Ok(builder(options)?.build())
}

/// What the guest's WASI context is built of.
pub(crate) fn builder(options: &RunOptions) -> Result<WasiCtxBuilder, Failure> {
    let mut builder = WasiCtxBuilder::new();
    builder.inherit_stdout().inherit_stderr();
    builder.filter_terminal_escapes(options.filter_escapes).exit_on_broken_pipe(true);
    // If the module came from standard input, that is at its end.
    if options.module != "-" {
        builder.inherit_stdin();
    }
    if options.invoke.is_none() {
        // The guest doesn't learn the folder of its module.
        builder.arg(options.argv0.as_deref().map_or_else(|| program_name(&options.module), Into::into));
        for arg in &options.args {
            let arg = arg.to_str().ok_or_else(|| {
                let shown = arg.to_string_lossy();
                Failure::usage(format_args!("the argument '{shown}' isn't valid UTF-8, which WASI asks for"))
            })?;
            builder.arg(arg);
        }
    }
    if options.inherit_env {
        for (name, value) in inherited_env() {
            builder.env(&name, &value);
        }
    }
    for (name, value) in &options.env {
        builder.env(name, value);
    }
    preopen(&mut builder, &options.dirs)?;
    for address in &options.tcplisten {
        listen(&mut builder, address).map_err(|error| {
            Failure::unusable(format_args!("--tcplisten {address}: {}", io_reason(&error)))
        })?;
    }
    #[cfg(feature = "trace")]
    if let Some(to) = &options.tracing.wasi {
        let mut lines = match to {
            TraceTo::Stderr => Lines::to_stderr("--trace"),
            TraceTo::File(path) => Lines::to_file("--trace", path)?,
        };
        builder.trace(move |line| lines.write(line));
    }
    Ok(builder)
}

/// All variables that there are here. Those that aren't valid UTF-8 are left out.
pub(crate) fn inherited_env() -> impl Iterator<Item = (String, String)> {
    let text = |text: OsString| text.into_string().ok();
    std::env::vars_os().filter_map(move |(name, value)| text(name).zip(text(value)))
}

/// Lets the guest use folders.
pub(crate) fn preopen(builder: &mut WasiCtxBuilder, dirs: &[Dir]) -> Result<(), Failure> {
    for dir in dirs {
        let perms = if dir.read_only {
            (DirPerms::READ, FilePerms::READ)
        } else {
            (DirPerms::all(), FilePerms::all())
        };
        builder.preopened_dir(&dir.host, &dir.guest, perms.0, perms.1).map_err(|error| {
            let option = if dir.read_only { "--dir-ro" } else { "--dir" };
            Failure::unusable(format_args!("{option} {}: {}", dir.host.display(), io_reason(&error)))
        })?;
    }
    Ok(())
}

/// Takes a name for an address, too.
#[cfg(feature = "resolver")]
fn bind(address: &str) -> io::Result<TcpListener> {
    TcpListener::bind(address)
}

/// What finds out what a name stands for is a fiftieth of a small program.
#[cfg(not(feature = "resolver"))]
fn bind(address: &str) -> io::Result<TcpListener> {
    let numbers: std::net::SocketAddr = address.parse().map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "this build of dunlin takes an address in numbers, such as 127.0.0.1:8080: build it with the feature 'resolver'",
        )
    })?;
    TcpListener::bind(numbers)
}

/// Lets the guest accept connections at `address`. If the system chooses the port, prints which.
fn listen(builder: &mut WasiCtxBuilder, address: &str) -> io::Result<()> {
    let listener = bind(address)?;
    if address.rsplit_once(':').is_some_and(|(_, port)| port.parse() == Ok(0_u16)) {
        complain(format_args!("listening at {}", listener.local_addr()?));
    }
    builder.preopened_socket(listener)?;
    Ok(())
}

/// All that a module may import.
pub(crate) fn linker(engine: &Engine) -> Result<Linker<Wasi>, Error> {
    let mut linker = Linker::new(engine);
    add_to_linker(&mut linker, |wasi| wasi)?;
    Ok(linker)
}

/// The guest's exit code, if exiting is how it ended.
pub(crate) fn exit_code(error: &Error) -> Option<u32> {
    error.downcast_ref::<I32Exit>().map(|exit| exit.0 as u32)
}

#[cfg_attr(not(feature = "inspect"), allow(dead_code, reason = "`inspect` shows it"))]
/// What a function that is provided lets a module do, and what it does itself.
pub(crate) fn purpose(name: &str) -> Option<(Capability, &'static str)> {
    capability(name).zip(description(name))
}

#[cfg_attr(not(feature = "inspect"), allow(dead_code, reason = "`inspect` shows it"))]
/// The types of what is provided.
pub(crate) struct Provided {
    linker: Linker<Wasi>,
    store: Store<Wasi>,
}

#[cfg_attr(not(feature = "inspect"), allow(dead_code, reason = "`inspect` shows it"))]
impl Provided {
    pub(crate) fn new(engine: &Engine) -> Result<Self, Error> {
        let store = Store::try_new(engine, WasiCtxBuilder::new().build())?;
        Ok(Self { linker: linker(engine)?, store })
    }

    /// The type of what is provided by these names.
    pub(crate) fn get(&mut self, module: &str, name: &str) -> Option<ExternType> {
        let item = self.linker.get(&mut self.store, module, name)?;
        Some(item.ty(&self.store))
    }
}
