//! What a guest is given.

use crate::abi::Rights;
use crate::fds::{DirFd, DirPerms, Fd, FdKind, Fds, FilePerms};
use crate::host::clocks::{Clocks, HostMonotonicClock, HostWallClock};
use crate::host::dir::Dir;
use crate::host::random::Random;
use crate::host::replay::{ReplayClock, replay_random};
use crate::host::stdio::{ReadPipe, Stdio, Stream, WritePipe};
#[cfg(feature = "trace")]
use crate::trace::Trace;
use std::fmt;
use std::io;
use std::net::TcpListener;
use std::path::Path;

/// Builds a [`WasiCtx`]. What isn't granted here, the guest doesn't have.
///
/// ```
/// use dunlin_wasi_lite::{DirPerms, FilePerms, WasiCtxBuilder};
///
/// let ctx = WasiCtxBuilder::new()
///     .args(&["tool", "--verbose"])
///     .env("LANG", "en_GB.UTF-8")
///     .inherit_stdio()
///     .preopened_dir(".", "/data", DirPerms::READ, FilePerms::READ)?
///     .build();
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Default)]
pub struct WasiCtxBuilder {
    args: Vec<String>,
    env: Vec<(String, String)>,
    stdin: Option<Stdio>,
    stdout: Option<Stdio>,
    stderr: Option<Stdio>,
    preopens: Vec<DirFd>,
    sockets: Vec<Fd>,
    clocks: Clocks,
    random: Random,
    #[cfg(feature = "trace")]
    trace: Option<Trace>,
    filter_terminal_escapes: bool,
    exit_on_broken_pipe: bool,
}

impl WasiCtxBuilder {
    /// No arguments, an empty environment, no input, output that disappears, and no directories.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an argument. By convention the first one is the program's name.
    pub fn arg(&mut self, arg: impl AsRef<str>) -> &mut Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args(&mut self, args: &[impl AsRef<str>]) -> &mut Self {
        self.args.extend(args.iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Adds the host's arguments, but for what isn't UTF-8.
    pub fn inherit_args(&mut self) -> &mut Self {
        self.args.extend(std::env::args_os().filter_map(|arg| arg.into_string().ok()));
        self
    }

    /// Adds a variable to the environment, in place of one with the same name.
    pub fn env(&mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> &mut Self {
        self.env.retain(|(other, _)| other != name.as_ref());
        self.env.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Adds variables to the environment, in place of those with the same names.
    pub fn envs(&mut self, env: &[(impl AsRef<str>, impl AsRef<str>)]) -> &mut Self {
        for (name, value) in env {
            self.env(name, value);
        }
        self
    }

    /// Adds the host's environment, but for what isn't UTF-8.
    pub fn inherit_env(&mut self) -> &mut Self {
        for (name, value) in std::env::vars_os() {
            if let (Some(name), Some(value)) = (name.to_str(), value.to_str()) {
                self.env(name, value);
            }
        }
        self
    }

    /// Lets the guest read `pipe` as its standard input.
    pub fn stdin(&mut self, pipe: ReadPipe) -> &mut Self {
        self.stdin = Some(Stdio::Read(pipe));
        self
    }

    /// Stops the guest, as an interruption does, before it reads its standard input or waits for it: a snapshot that is made then goes on
    /// by reading that of the context that it is [given](WasiCtx::adopt).
    pub fn stop_at_stdin(&mut self) -> &mut Self {
        self.stdin = Some(Stdio::Stops);
        self
    }

    /// Passes the guest's standard output to `pipe`.
    pub fn stdout(&mut self, pipe: WritePipe) -> &mut Self {
        self.stdout = Some(Stdio::Write(pipe));
        self
    }

    /// Passes the guest's standard error to `pipe`.
    pub fn stderr(&mut self, pipe: WritePipe) -> &mut Self {
        self.stderr = Some(Stdio::Write(pipe));
        self
    }

    /// Lets the guest read the host's standard input, past the buffer of [`std::io::stdin`].
    pub fn inherit_stdin(&mut self) -> &mut Self {
        self.stdin = Some(Stdio::host(Stream::Stdin(io::stdin())));
        self
    }

    /// Lets the guest write to the host's standard output, past the buffer of [`std::io::stdout`].
    pub fn inherit_stdout(&mut self) -> &mut Self {
        self.stdout = Some(Stdio::host(Stream::Stdout(io::stdout())));
        self
    }

    /// Lets the guest write to the host's standard error.
    pub fn inherit_stderr(&mut self) -> &mut Self {
        self.stderr = Some(Stdio::host(Stream::Stderr(io::stderr())));
        self
    }

    /// All three of the host's standard streams.
    pub fn inherit_stdio(&mut self) -> &mut Self {
        self.inherit_stdin().inherit_stdout().inherit_stderr()
    }

    /// Gives the guest the host's directory `host_path` under the name `guest_path`, and with it whatever is below it,
    /// but nothing else: neither `..` nor symbolic links lead out.
    ///
    /// # Errors
    ///
    /// If `host_path` is no directory, or can't be opened.
    pub fn preopened_dir(
        &mut self,
        host_path: impl AsRef<Path>,
        guest_path: impl AsRef<str>,
        dir_perms: DirPerms,
        file_perms: FilePerms,
    ) -> io::Result<&mut Self> {
        let dir = Dir::open_ambient(host_path)?;
        let name = Some(guest_path.as_ref().to_owned());
        self.preopens.push(DirFd::new(dir, name, dir_perms, file_perms));
        Ok(self)
    }

    /// Lets the guest accept connections at `listener`, which becomes one that doesn't wait. It gets the number after
    /// those of the preopened directories and of the listeners given before; the first, without directories, is 3.
    ///
    /// # Errors
    ///
    /// If the system doesn't let it be one that doesn't wait.
    pub fn preopened_socket(&mut self, listener: TcpListener) -> io::Result<&mut Self> {
        self.sockets.push(Fd::listener(listener)?);
        Ok(self)
    }

    /// Shows the guest this wall clock instead of the host's.
    pub fn wall_clock(&mut self, clock: impl HostWallClock + 'static) -> &mut Self {
        self.clocks.wall = Some(Box::new(clock));
        self
    }

    /// Shows the guest this monotonic clock instead of the host's. It serves for processor time as well.
    pub fn monotonic_clock(&mut self, clock: impl HostMonotonicClock + 'static) -> &mut Self {
        self.clocks.monotonic = Some(Box::new(clock));
        self
    }

    /// Takes the bytes of `random_get` from `fill`, which fills what it is given, instead of the host's source.
    pub fn secure_random(&mut self, fill: impl FnMut(&mut [u8]) + Send + Sync + 'static) -> &mut Self {
        self.random = Random::Custom(Box::new(fill));
        self
    }

    /// Makes what the guest learns of time and chance the same in every run with the same `seed`, so that a run can be
    /// repeated: [`ReplayClock`] is both its clocks, and [`replay_random`](crate::replay_random) gives its randomness.
    ///
    /// ```
    /// use dunlin_wasi_lite::WasiCtxBuilder;
    /// let ctx = WasiCtxBuilder::new().deterministic(7).build();
    /// ```
    pub fn deterministic(&mut self, seed: u64) -> &mut Self {
        let clock = ReplayClock::new();
        self.wall_clock(clock.clone()).monotonic_clock(clock).secure_random(replay_random(seed))
    }

    /// Takes the control characters from what the guest writes to the host's standard output and error, but for tabs
    /// and ends of lines, wherever that is a terminal: the guest then can't give it commands. If neither the terminal
    /// (its flag `IUTF8`) nor the locale says that text is UTF-8, no byte from 0x80 to 0x9f passes, which makes many
    /// characters unreadable: to such a terminal each of these bytes is a command.
    pub fn filter_terminal_escapes(&mut self, filter: bool) -> &mut Self {
        self.filter_terminal_escapes = filter;
        self
    }

    /// Ends the guest with exit code 141 when it writes to the host's standard output or error and nobody is left to
    /// read that, as other programs end then. By default the guest gets `EPIPE`.
    pub fn exit_on_broken_pipe(&mut self, exit: bool) -> &mut Self {
        self.exit_on_broken_pipe = exit;
        self
    }

    /// Passes `sink` a line, without its end, for each call that the guest makes, when it returns: the function's
    /// arguments by their names in the specification, its result or error, and what it has stored for the guest. Of texts
    /// and buffers, 32 bytes are shown, and of arrays four buffers; control characters are escaped.
    ///
    /// ```
    /// use dunlin_wasi_lite::WasiCtxBuilder;
    /// // path_open(fd=3, lookupflags=0, path="notes.txt", oflags=CREAT, ..., fdflags=0) = 0, opened=4
    /// let ctx = WasiCtxBuilder::new().trace(|line| eprintln!("{line}")).build();
    /// ```
    #[cfg(feature = "trace")]
    pub fn trace(&mut self, sink: impl FnMut(&str) + Send + Sync + 'static) -> &mut Self {
        self.trace = Some(Trace::new(Box::new(sink)));
        self
    }

    /// The context. The builder is as new afterwards.
    pub fn build(&mut self) -> WasiCtx {
        let Self {
            args,
            env,
            stdin,
            stdout,
            stderr,
            preopens,
            sockets,
            mut clocks,
            random,
            #[cfg(feature = "trace")]
            trace,
            filter_terminal_escapes,
            exit_on_broken_pipe,
        } = std::mem::take(self);
        clocks.start();
        let filters = filter_terminal_escapes.then(Default::default);
        let mut fds = Fds::default();
        for (stdio, rights) in
            [(stdin, Rights::FD_READ), (stdout, Rights::FD_WRITE), (stderr, Rights::FD_WRITE)]
        {
            let rights = rights | Rights::POLL_FD_READWRITE;
            let mut stdio = stdio.unwrap_or(Stdio::Null);
            if let Stdio::Host(stream) = &mut stdio {
                stream.filter_escapes(filters.as_ref());
                stream.exit_on_broken_pipe(exit_on_broken_pipe);
            }
            fds.insert(Fd::new(FdKind::Stdio(stdio), rights, rights));
        }
        for dir in preopens {
            fds.insert(Fd::new(FdKind::Dir(dir), Rights::DIRECTORY, Rights::DIRECTORY | Rights::FILE));
        }
        for socket in sockets {
            fds.insert(socket);
        }
        let env = env.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        WasiCtx {
            args,
            env,
            fds,
            clocks,
            random,
            interrupted: None,
            #[cfg(feature = "trace")]
            trace,
        }
    }

    /// The same as [`build`](Self::build): all that there is here is preview 1.
    pub fn build_p1(&mut self) -> WasiCtx {
        self.build()
    }
}

impl fmt::Debug for WasiCtxBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasiCtxBuilder")
            .field("args", &self.args)
            .field("env", &self.env)
            .finish_non_exhaustive()
    }
}

/// What a guest is given, and what it has open. Made by [`WasiCtxBuilder`], kept in the data of a store, and used by the
/// functions of [`add_to_linker`](crate::add_to_linker).
pub struct WasiCtx {
    pub(crate) args: Vec<String>,
    /// Each with its `=`.
    pub(crate) env: Vec<String>,
    pub(crate) fds: Fds,
    pub(crate) clocks: Clocks,
    pub(crate) random: Random,
    /// The wait that was ended for a snapshot.
    pub(crate) interrupted: Option<InterruptedWait>,
    #[cfg(feature = "trace")]
    pub(crate) trace: Option<Trace>,
}

/// A wait that was ended for a snapshot. When the guest goes on, it calls for the same again, and waits for the rest.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct InterruptedWait {
    /// The arguments.
    pub(crate) call: [u32; 4],
    /// What the monotonic clock showed when it began.
    pub(crate) began: u64,
}

impl WasiCtx {
    /// The same as [`WasiCtxBuilder::new`].
    pub fn builder() -> WasiCtxBuilder {
        WasiCtxBuilder::new()
    }

    /// Whether reading from or writing to `fd` may have to wait for somebody else.
    pub(crate) fn waits(&self, fd: u32) -> bool {
        match self.fds.get(fd).map(|fd| &fd.kind) {
            Ok(FdKind::Stdio(stdio)) => stdio.waits().is_some(),
            Ok(FdKind::File(file)) => file.waits,
            Ok(FdKind::Socket(_)) => true,
            Ok(FdKind::Dir(_)) | Err(_) => false,
        }
    }
}

impl fmt::Debug for WasiCtx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasiCtx").field("args", &self.args).field("env", &self.env).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_has_one_value_a_name() {
        let ctx = WasiCtx::builder().envs(&[("A", "1"), ("B", "2")]).env("A", "3").build();
        assert_eq!(ctx.env, ["B=2", "A=3"]);
    }

    #[test]
    fn the_hosts_environment_is_had_whole() {
        let mut builder = WasiCtx::builder();
        let ctx = builder.env("PATH", "").env("DUNLIN_TEST_ONLY", "x").inherit_env().build();
        let text = std::env::vars_os()
            .filter_map(|(name, value)| Some(format!("{}={}", name.to_str()?, value.to_str()?)));
        let expected = ["DUNLIN_TEST_ONLY=x".to_owned()].into_iter().chain(text).collect::<Vec<_>>();
        assert_eq!(ctx.env, expected);
        // Whoever builds again begins anew.
        let ctx = builder.build();
        assert!(ctx.env.is_empty() && ctx.args.is_empty());
    }

    #[test]
    fn time_begins_when_the_context_is_built() {
        let mut builder = WasiCtx::builder();
        std::thread::sleep(std::time::Duration::from_millis(20));
        let before = std::time::Instant::now();
        let clocks = builder.build().clocks;
        let shown = clocks.now(crate::host::clocks::MONOTONIC).unwrap();
        assert!(u128::from(shown) <= before.elapsed().as_nanos(), "{shown}");
    }

    #[test]
    fn what_is_shown_of_a_context_is_what_the_guest_is_told() {
        let mut builder = WasiCtx::builder();
        builder.arg("tool").env("A", "1");
        assert_eq!(format!("{builder:?}"), r#"WasiCtxBuilder { args: ["tool"], env: [("A", "1")], .. }"#);
        assert_eq!(format!("{:?}", builder.build()), r#"WasiCtx { args: ["tool"], env: ["A=1"], .. }"#);
        assert_eq!(format!("{:?}", ReadPipe::from("x")), "ReadPipe { .. }");
        assert_eq!(format!("{:?}", WritePipe::in_memory(1)), "WritePipe { .. }");
    }

    #[test]
    fn contexts_move_between_threads() {
        fn send<T: Send + Sync>() {}
        send::<WasiCtx>();
    }
}
