//! The host functions that runnables call.
//!
//! Most keep a result, and say how long it is; a negative length is that of an error's text. The runnable makes room and
//! fetches it. Each knows by its last parameter who calls.

mod fields;
mod http;
mod memory;
mod outcome;
mod services;

use super::state::{IDENT, State};
use crate::services::held::Held;
use dunlin::{Caller, Error, Linker};

type Guest<'a> = Caller<'a, State>;

/// Why a host function doesn't do what it is asked.
enum Refusal {
    /// The guest is told no more than that.
    Unknown,
    /// An argument is wrong.
    Argument,
    /// The guest may not go on.
    Stopped(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Stopped(error)
    }
}

/// A size.
type Size = Result<i32, Refusal>;

/// Declares host functions, each with its variant for Swift, which passes two more words.
macro_rules! functions {
    ($($by:ident $name:ident($($arg:ident),*) => $call:expr;)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        /// Links all of them.
        pub(super) fn link(linker: &mut Linker<State>) -> Result<(), Error> {
            $(
                linker.func_wrap("env", stringify!($name), |guest: Guest<'_>, $($arg: u32,)* ident: u32| {
                    $by(guest, ident, |guest| $call(guest, $($arg),*))
                })?;
                linker.func_wrap(
                    "env",
                    concat!(stringify!($name), "_swift"),
                    |guest: Guest<'_>, $($arg: u32,)* ident: u32, _: u32, _: u32| {
                        $by(guest, ident, |guest| $call(guest, $($arg),*))
                    },
                )?;
            )*
            Ok(())
        }
    };
}

functions! {
    done return_result(at, len) => outcome::result;
    done return_error(code, at, len) => outcome::error;
    done return_abort(text, text_len, file, file_len, line, column) => outcome::abort;
    done log_msg(at, len, level) => outcome::log;
    done resp_set_header(name, name_len, value, value_len) => outcome::set_header;
    size get_ffi_result(at) => services::fetch_result;
    size add_ffi_var(name, name_len, value, value_len) => services::add_var;
    size request_get_field(kind, key, key_len) => fields::get;
    size request_set_field(kind, key, key_len, value, value_len) => fields::set;
    size fetch_url(method, url, url_len, body, body_len) => http::fetch;
    size graphql_query(url, url_len, query, query_len) => http::graphql;
    size cache_set(key, key_len, value, value_len, time) => services::cache_set;
    size cache_get(key, key_len) => services::cache_get;
    size get_static_file(name, name_len) => services::file;
    size db_exec(kind, name, name_len) => services::query;
}

/// Whether a runnable's import is answered, besides those of WASI.
pub fn answers(module: &str, name: &str) -> bool {
    module == "env" && NAMES.contains(&name.strip_suffix("_swift").unwrap_or(name))
}

fn size(mut guest: Guest<'_>, ident: u32, call: impl FnOnce(&mut Guest<'_>) -> Size) -> Result<i32, Error> {
    if ident != IDENT {
        return Ok(-1);
    }
    match call(&mut guest) {
        Err(Refusal::Unknown) => Ok(-1),
        Err(Refusal::Argument) => Ok(-2),
        Err(Refusal::Stopped(error)) => Err(error),
        Ok(size) => Ok(size),
    }
}

/// A function without a result: whoever isn't known has nothing done.
fn done(
    mut guest: Guest<'_>,
    ident: u32,
    call: impl FnOnce(&mut Guest<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    if ident == IDENT { call(&mut guest) } else { Ok(()) }
}

impl State {
    /// Refuses a call while the result of another waits to be fetched. An error that nobody fetches doesn't wait: the
    /// libraries of Atmo's first versions know errors by the size alone.
    fn is_free(&self) -> Result<(), Refusal> {
        if matches!(self.kept, Some(Ok(_))) { Err(Refusal::Unknown) } else { Ok(()) }
    }

    /// Keeps a result for the guest to fetch, and says how long it is.
    fn keep(&mut self, result: &[u8]) -> Size {
        let held = Held::copy(&self.task.budget, result)?;
        self.keep_held(held)
    }

    fn keep_held(&mut self, held: Held) -> Size {
        let size = i32::try_from(held.bytes.len()).map_err(Error::host)?;
        self.kept = Some(Ok(held));
        Ok(size)
    }

    /// Keeps an error.
    fn keep_error(&mut self, text: &str) -> Size {
        // Shorter ones would be taken for one of the others.
        debug_assert!(text.len() > 2);
        let held = Held::copy(&self.task.budget, text.as_bytes())?;
        let size = i32::try_from(text.len()).map_err(Error::host)?;
        self.kept = Some(Err(held));
        Ok(-size)
    }
}
