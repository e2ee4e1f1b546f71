//! Errors, as C gets them: objects with a message and a code.

use crate::boundary::{Returns, c_types, exports};
use crate::frame::{frames_of, wasm_frame_vec_t};
use crate::host_info::InfoCell;
use crate::own::{Shared, try_box};
use crate::pointers::{Out, Text};
use crate::vec::wasm_byte_vec_t;
use dunlin::{Error, ErrorKind, ThrownException, Trap};
use std::fmt;

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// The numbers of `dunlin_error_code_t`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Code {
    Other,
    Trap,
    Exception,
    Invalid,
    Limit,
    OutOfBudget,
    OutOfMemory,
    Link,
    Host,
    Io,
    Exit,
    Argument,
    Mistake,
}

impl Code {
    fn of(error: &Error) -> Self {
        if exit_status(error).is_some() {
            return Code::Exit;
        }
        match error.kind() {
            ErrorKind::Trap => Code::Trap,
            ErrorKind::Exception => Code::Exception,
            ErrorKind::Invalid => Code::Invalid,
            ErrorKind::Limit => Code::Limit,
            ErrorKind::OutOfBudget => Code::OutOfBudget,
            ErrorKind::OutOfMemory => Code::OutOfMemory,
            ErrorKind::Link => Code::Link,
            ErrorKind::Host => Code::Host,
            ErrorKind::Io => Code::Io,
            _ => Code::Other,
        }
    }
}

/// The status that the guest exited with.
#[cfg(feature = "wasi")]
fn exit_status(error: &Error) -> Option<i32> {
    error.downcast_ref::<dunlin_wasi_lite::I32Exit>().map(|exit| exit.0)
}

#[cfg(not(feature = "wasi"))]
fn exit_status(_: &Error) -> Option<i32> {
    None
}

/// Why something failed.
#[derive(Clone)]
pub struct Failure(Option<Shared<Inner>>);

struct Inner {
    code: Code,
    error: Error,
    /// What a host function failed with, if that is why.
    cause: Option<Failure>,
    /// Of the trap that C has of it.
    info: InfoCell,
}

impl Failure {
    /// There is no memory, for the error either.
    pub(crate) const NO_MEMORY: Failure = Failure(None);

    fn new(code: Code, error: Error) -> Self {
        let thrown = error.downcast_ref::<Failure>().cloned();
        // A host function's own error keeps its code.
        let code = thrown.as_ref().map_or(code, Failure::code);
        Self(Shared::try_new(Inner { code, error, cause: thrown, info: InfoCell::default() }))
    }

    pub(crate) fn argument(message: impl fmt::Display) -> Self {
        Self::new(Code::Argument, Error::msg(message))
    }

    pub(crate) fn null() -> Self {
        Self::argument("a pointer is null that must not be")
    }

    pub(crate) fn mistake(message: &str) -> Self {
        Self::new(Code::Mistake, Error::msg(message))
    }

    /// An error that a host function made.
    pub(crate) fn host(message: &str) -> Self {
        Self::new(Code::Host, Error::msg(message))
    }

    #[cfg(feature = "wat")]
    pub(crate) fn invalid(error: impl fmt::Display) -> Self {
        Self::new(Code::Invalid, Error::msg(error))
    }

    pub(crate) fn io(error: impl fmt::Display) -> Self {
        Self::new(Code::Io, Error::msg(error))
    }

    pub(crate) fn other(error: impl fmt::Display) -> Self {
        Self::new(Code::Other, Error::msg(error))
    }

    pub(crate) fn code(&self) -> Code {
        self.0.as_ref().map_or(Code::OutOfMemory, |inner| inner.code)
    }

    /// The error that it is made of; `None` if there was no memory for it.
    pub(crate) fn error(&self) -> Option<&Error> {
        self.0.as_ref().map(|inner| &inner.error)
    }

    /// What a host function failed with, if that is why; or else this itself.
    pub(crate) fn origin(&self) -> &Failure {
        match self.0.as_ref().and_then(|inner| inner.cause.as_ref()) {
            Some(cause) => cause.origin(),
            None => self,
        }
    }

    pub(crate) fn info(&self) -> Option<&InfoCell> {
        self.origin().0.as_ref().map(|inner| &inner.info)
    }

    /// What tells it from other errors.
    pub(crate) fn address(&self) -> usize {
        self.origin().0.as_ref().map_or(0, Shared::address)
    }

    pub(crate) fn trap(&self) -> Option<Trap> {
        self.error()?.trap().or_else(|| self.origin().error()?.trap())
    }

    /// The error that a host function gives the engine for this.
    pub(crate) fn into_error(self) -> Error {
        match (self.code(), self.trap()) {
            (Code::Trap, Some(trap)) => Error::from(trap),
            // The store still has the exception, which goes on.
            (Code::Exception, _) => Error::from(ThrownException),
            _ => Error::host(self),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.error() {
            Some(error) => error.fmt(f),
            None => f.write_str("out of memory"),
        }
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(Code::of(&error), error)
    }
}

impl From<dunlin::OutOfBudget> for Failure {
    fn from(error: dunlin::OutOfBudget) -> Self {
        Error::from(error).into()
    }
}

/// An error that C owns.
pub struct dunlin_error_t(pub(crate) Failure);

/// The one for which there is no memory.
static NO_MEMORY: dunlin_error_t = dunlin_error_t(Failure::NO_MEMORY);

/// How a function ended that can fail: null, or an error.
#[repr(transparent)]
pub struct Outcome(*const dunlin_error_t);

impl Outcome {
    pub(crate) const DONE: Outcome = Outcome(std::ptr::null());

    pub(crate) fn failed(failure: Failure) -> Self {
        Self(try_box(dunlin_error_t(failure)).map_or(&raw const NO_MEMORY, |error| Box::into_raw(error)))
    }

    /// The error, which was C's.
    pub(crate) fn take(self) -> Option<Failure> {
        if self.0.is_null() {
            return None;
        }
        if std::ptr::eq(self.0, &raw const NO_MEMORY) {
            return Some(Failure::NO_MEMORY);
        }
        // SAFETY: all others are boxes that `failed` gave to C, which gives this one back.
        Some(unsafe { Box::from_raw(self.0.cast_mut()) }.0)
    }
}

impl Returns for Outcome {
    type Body = Result<()>;

    fn of(body: Result<()>) -> Self {
        body.map_or_else(Self::failed, |()| Self::DONE)
    }

    fn of_panic(message: &str) -> Self {
        Self::failed(Failure::mistake(message))
    }
}

c_types! {
    dunlin_error_t = "dunlin_error_t";
    Outcome = "dunlin_error_t *";
}

exports! {
    fn dunlin_error_new(message: Text<'_>) -> Outcome {
        Err(message.utf8().map_or_else(|failure| failure, Failure::host))
    }

    fn dunlin_error_new_trap(trap: i32) -> Outcome {
        Err(trap_numbered(trap).map_or_else(|failure| failure, |trap| Error::from(trap).into()))
    }

    fn dunlin_error_delete(error: Outcome) {
        drop(error.take());
    }

    fn dunlin_error_message(error: Option<&dunlin_error_t>, out: Out<'_, wasm_byte_vec_t>) {
        out.put(error.map_or_else(wasm_byte_vec_t::empty, |error| wasm_byte_vec_t::of_text(&error.0)));
    }

    fn dunlin_error_code(error: Option<&dunlin_error_t>) -> i32 {
        error.map_or(Code::Argument, |error| error.0.code()) as i32
    }

    fn dunlin_error_trap_code(error: Option<&dunlin_error_t>, out: Out<'_, i32>) -> bool {
        let trap = error.and_then(|error| error.0.trap());
        trap.map(|trap| out.put(trap_number(trap))).is_some()
    }

    fn dunlin_error_exit_status(error: Option<&dunlin_error_t>, out: Out<'_, i32>) -> bool {
        let status = error.and_then(|error| exit_status(error.0.origin().error()?));
        status.map(|status| out.put(status)).is_some()
    }

    fn dunlin_error_offset(error: Option<&dunlin_error_t>, out: Out<'_, u64>) -> bool {
        let offset = error.and_then(|error| error.0.error()?.offset());
        offset.map(|offset| out.put(offset)).is_some()
    }

    fn dunlin_error_trace(error: Option<&dunlin_error_t>, out: Out<'_, wasm_frame_vec_t>) {
        out.put(error.map_or_else(wasm_frame_vec_t::empty, |error| frames_of(None, &error.0)));
    }
}

/// The traps by their numbers in `dunlin_trap_code_t`.
const TRAPS: [Trap; 18] = [
    Trap::StackOverflow,
    Trap::MemoryOutOfBounds,
    Trap::TableOutOfBounds,
    Trap::UndefinedElement,
    Trap::IndirectCallToNull,
    Trap::BadSignature,
    Trap::IntegerOverflow,
    Trap::IntegerDivisionByZero,
    Trap::BadConversionToInteger,
    Trap::UnreachableCodeReached,
    Trap::Interrupt,
    Trap::OutOfFuel,
    Trap::OutOfBudget,
    Trap::HeapMisaligned,
    Trap::AtomicWaitNonSharedMemory,
    Trap::NullExceptionReference,
    Trap::ModuleChanged,
    Trap::NullReference,
];

/// Its number; -1 of one that has none yet.
pub(crate) fn trap_number(trap: Trap) -> i32 {
    TRAPS.iter().position(|known| *known == trap).map_or(-1, |number| number as i32)
}

pub(crate) fn trap_numbered(number: i32) -> Result<Trap> {
    let known = usize::try_from(number).ok().and_then(|number| TRAPS.get(number));
    known.copied().ok_or_else(|| Failure::argument(format_args!("there is no trap {number}")))
}
