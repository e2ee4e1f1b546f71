//! WASI: what a guest is given. In a build without it, the functions are there, and say so.

use crate::boundary::{c_types, exports};
use crate::error::Outcome;
use crate::failure::{Failure, Result};
use crate::host_info::{Finalizer, UserData};
use crate::own::try_vec;
use crate::pointers::{Array, Byte, Handle, Require, Text};
use crate::store::{StoreData, wasm_store_t};
use dunlin::Linker;
use std::ffi::c_void;

#[cfg(feature = "wasi")]
use dunlin_wasi_lite::{DirPerms, FilePerms, ReadPipe, WasiCtxBuilder, WritePipe};

/// Takes bytes that the guest writes, and says how many it took; less than zero if it fails.
pub(crate) type Write = unsafe extern "C" fn(*mut c_void, *const Byte, usize) -> isize;
/// Fills a part of a buffer for the guest, and says how large that is; 0 at the end, less than zero if it fails.
pub(crate) type Read = unsafe extern "C" fn(*mut c_void, *mut Byte, usize) -> isize;

/// What a guest will be given.
pub struct dunlin_wasi_config_t(Builder);

#[cfg(feature = "wasi")]
type Builder = WasiCtxBuilder;
#[cfg(not(feature = "wasi"))]
type Builder = std::convert::Infallible;

#[cfg(feature = "wasi")]
pub(crate) fn define(linker: &mut Linker<StoreData>) -> Result<()> {
    Ok(dunlin_wasi_lite::add_to_linker(linker, granted)?)
}

/// What the guest of a store is given: without a configuration, nothing.
#[cfg(feature = "wasi")]
fn granted(data: &mut StoreData) -> &mut dunlin_wasi_lite::WasiCtx {
    data.wasi.get_or_insert_with(|| WasiCtxBuilder::new().build())
}

#[cfg(not(feature = "wasi"))]
pub(crate) fn define(_: &mut Linker<StoreData>) -> Result<()> {
    Err(Failure::other("this build of Dunlin has no WASI"))
}

#[cfg(feature = "wasi")]
mod streams {
    use super::{Read, Write};
    use crate::host_info::UserData;
    use crate::pointers::Byte;
    use std::io;

    /// A stream of C's.
    pub(super) struct Stream<F>(pub(super) F, pub(super) UserData);

    fn count(given: isize, most: usize) -> io::Result<usize> {
        usize::try_from(given)
            .map(|count| count.min(most))
            .map_err(|_| io::Error::other("the host's stream failed"))
    }

    impl io::Write for Stream<Write> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // SAFETY: C gave the function for this use. The bytes live until it returns.
            count(unsafe { self.0(self.1.get(), bytes.as_ptr().cast::<Byte>(), bytes.len()) }, bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl io::Read for Stream<Read> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            // SAFETY: as for `write`.
            count(unsafe { self.0(self.1.get(), into.as_mut_ptr().cast::<Byte>(), into.len()) }, into.len())
        }
    }
}

#[cfg(feature = "wasi")]
mod grants {
    use super::streams::Stream;
    use super::*;
    use crate::own::try_box;

    pub(super) fn new() -> Option<Box<dunlin_wasi_config_t>> {
        try_box(dunlin_wasi_config_t(WasiCtxBuilder::new()))
    }

    pub(super) fn set(store: &wasm_store_t, mut config: Box<dunlin_wasi_config_t>) -> Result<()> {
        store.0.context().data_mut().wasi = Some(config.0.build());
        Ok(())
    }

    pub(super) fn arg(config: &mut dunlin_wasi_config_t, arg: &str) -> Result<()> {
        config.0.arg(arg);
        Ok(())
    }

    pub(super) fn env(config: &mut dunlin_wasi_config_t, name: &str, value: &str) -> Result<()> {
        config.0.env(name, value);
        Ok(())
    }

    pub(super) fn inherit_env(config: &mut dunlin_wasi_config_t) {
        config.0.inherit_env();
    }

    pub(super) fn inherit_stdio(config: &mut dunlin_wasi_config_t) {
        config.0.inherit_stdio();
    }

    pub(super) fn stdin_bytes(config: &mut dunlin_wasi_config_t, bytes: Vec<u8>) -> Result<()> {
        config.0.stdin(ReadPipe::from(bytes));
        Ok(())
    }

    pub(super) fn stdin(config: &mut dunlin_wasi_config_t, read: Read, env: UserData) -> Result<()> {
        config.0.stdin(ReadPipe::new(Stream(read, env)));
        Ok(())
    }

    pub(super) fn stdout(config: &mut dunlin_wasi_config_t, write: Write, env: UserData) -> Result<()> {
        config.0.stdout(WritePipe::new(Stream(write, env)));
        Ok(())
    }

    pub(super) fn stderr(config: &mut dunlin_wasi_config_t, write: Write, env: UserData) -> Result<()> {
        config.0.stderr(WritePipe::new(Stream(write, env)));
        Ok(())
    }

    pub(super) fn preopen(
        config: &mut dunlin_wasi_config_t,
        host_path: &str,
        guest_path: &str,
        writable: bool,
    ) -> Result<()> {
        let (dirs, files) = match writable {
            true => (DirPerms::all(), FilePerms::all()),
            false => (DirPerms::READ, FilePerms::READ),
        };
        config.0.preopened_dir(host_path, guest_path, dirs, files).map_err(Failure::io)?;
        Ok(())
    }

    pub(super) fn deterministic(config: &mut dunlin_wasi_config_t, seed: u64) {
        config.0.deterministic(seed);
    }
}

/// There is never a configuration to be changed.
#[cfg(not(feature = "wasi"))]
mod grants {
    use super::*;

    macro_rules! impossible {
        ($($name:ident($($arg:ident: $ty:ty),*) -> $ret:ty;)*) => {$(
            pub(super) fn $name(config: &mut dunlin_wasi_config_t $(, $arg: $ty)*) -> $ret {
                $(let _ = $arg;)*
                match config.0 {}
            }
        )*};
    }

    impossible! {
        arg(arg: &str) -> Result<()>;
        env(name: &str, value: &str) -> Result<()>;
        inherit_env() -> ();
        inherit_stdio() -> ();
        stdin_bytes(bytes: Vec<u8>) -> Result<()>;
        stdin(read: Read, env: UserData) -> Result<()>;
        stdout(write: Write, env: UserData) -> Result<()>;
        stderr(write: Write, env: UserData) -> Result<()>;
        preopen(host_path: &str, guest_path: &str, writable: bool) -> Result<()>;
        deterministic(seed: u64) -> ();
    }

    pub(super) fn new() -> Option<Box<dunlin_wasi_config_t>> {
        None
    }

    pub(super) fn set(_: &wasm_store_t, config: Box<dunlin_wasi_config_t>) -> Result<()> {
        match config.0 {}
    }
}

c_types! {
    dunlin_wasi_config_t = "dunlin_wasi_config_t";
    Option<Write> = "dunlin_write_callback_t";
    Option<Read> = "dunlin_read_callback_t";
}

exports! {
    fn dunlin_wasi_config_new() -> Option<Box<dunlin_wasi_config_t>> {
        grants::new()
    }

    fn dunlin_wasi_config_delete(config: Option<Box<dunlin_wasi_config_t>>) {
        drop(config);
    }

    fn dunlin_wasi_config_arg(config: Option<&mut dunlin_wasi_config_t>, arg: Text<'_>) -> Outcome {
        grants::arg(config.require()?, arg.utf8()?)
    }

    fn dunlin_wasi_config_env(
        config: Option<&mut dunlin_wasi_config_t>,
        name: Text<'_>,
        value: Text<'_>,
    ) -> Outcome {
        grants::env(config.require()?, name.utf8()?, value.utf8()?)
    }

    fn dunlin_wasi_config_inherit_env(config: Option<&mut dunlin_wasi_config_t>) {
        if let Some(config) = config {
            grants::inherit_env(config);
        }
    }

    fn dunlin_wasi_config_inherit_stdio(config: Option<&mut dunlin_wasi_config_t>) {
        if let Some(config) = config {
            grants::inherit_stdio(config);
        }
    }

    fn dunlin_wasi_config_stdin_bytes(
        config: Option<&mut dunlin_wasi_config_t>,
        bytes: Array<'_, Byte>,
        len: usize,
    ) -> Outcome {
        let (config, bytes) = (config.require()?, bytes.bytes(len)?);
        let mut copy = try_vec(len).ok_or(Failure::NO_MEMORY)?;
        copy.extend_from_slice(bytes);
        grants::stdin_bytes(config, copy)
    }

    fn dunlin_wasi_config_stdin(
        config: Option<&mut dunlin_wasi_config_t>,
        read: Option<Read>,
        env: *mut c_void,
        finalizer: Finalizer,
    ) -> Outcome {
        let env = UserData::new(env, finalizer);
        grants::stdin(config.require()?, read.require()?, env)
    }

    fn dunlin_wasi_config_stdout(
        config: Option<&mut dunlin_wasi_config_t>,
        write: Option<Write>,
        env: *mut c_void,
        finalizer: Finalizer,
    ) -> Outcome {
        let env = UserData::new(env, finalizer);
        grants::stdout(config.require()?, write.require()?, env)
    }

    fn dunlin_wasi_config_stderr(
        config: Option<&mut dunlin_wasi_config_t>,
        write: Option<Write>,
        env: *mut c_void,
        finalizer: Finalizer,
    ) -> Outcome {
        let env = UserData::new(env, finalizer);
        grants::stderr(config.require()?, write.require()?, env)
    }

    fn dunlin_wasi_config_preopen_dir(
        config: Option<&mut dunlin_wasi_config_t>,
        host_path: Text<'_>,
        guest_path: Text<'_>,
        writable: bool,
    ) -> Outcome {
        grants::preopen(config.require()?, host_path.utf8()?, guest_path.utf8()?, writable)
    }

    fn dunlin_wasi_config_deterministic(config: Option<&mut dunlin_wasi_config_t>, seed: u64) {
        if let Some(config) = config {
            grants::deterministic(config, seed);
        }
    }

    fn dunlin_store_set_wasi(
        store: Handle<'_, wasm_store_t>,
        config: Option<Box<dunlin_wasi_config_t>>,
    ) -> Outcome {
        grants::set(store.require()?, config.require()?)
    }
}
